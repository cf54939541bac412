/* What the files of the shell share; its users want shell.h. */
#pragma once

#include "protocol/line.h"
#include "protocol/shell.h"

#include <ctype.h>

#define SHELL_PATH_MAX 128
#define SHELL_PIPE_MAX 1024
#define SHELL_TEXT_MAX 1400 /* the words of one command */
#define SHELL_WORDS_MAX 48
#define SHELL_IMAGE_MAX 160 /* of an executable that is looked at */

enum shell_file_flag {
	SHELL_FILE_OPEN = 1,       /* written, its payload has not ended */
	SHELL_FILE_IMAGE = 2,      /* a copy of one of the system's executables */
	SHELL_FILE_EXECUTABLE = 4,
	SHELL_FILE_DIRECTORY = 8,
};

enum shell_sink {
	SHELL_TO_TERMINAL,
	SHELL_TO_FILE,
	SHELL_TO_PIPE,
	SHELL_TO_NOTHING,
};

/* One line being run. */
struct shell_run {
	struct shell *shell;
	struct protocol_io *io;
	shell_write_fn write;
	void *arg;
	size_t left; /* output bytes that may still be written */
	enum shell_sink sink;
	bool quiet;  /* errors go nowhere */
	unsigned file; /* SHELL_TO_FILE: which */
	size_t input_len; /* what the command before the pipe, or < FILE, gave */
	size_t pipe_len;
	char input[SHELL_PIPE_MAX];
	char pipe[SHELL_PIPE_MAX];
};

/* ---- output --------------------------------------------------------------------------------- */

void shell_out(struct shell_run *run, const void *data, size_t len);
void shell_puts(struct shell_run *run, const char *text);
void shell_printf(struct shell_run *run, const char *fmt, ...) ST_PRINTF(2, 3);
/* To the terminal, whatever the output is directed to. */
void shell_complain(struct shell_run *run, const char *fmt, ...) ST_PRINTF(2, 3);

/* ---- files (shell_files.c) ------------------------------------------------------------------ */

struct shell_path {
	char text[SHELL_PATH_MAX];
	size_t len;
};

/* Absolute, without . and .. */
struct shell_path shell_resolve(const struct shell_run *run, struct protocol_text path);

/* Index of a file that was made here, -1 when there is none. */
int shell_find(const struct shell_run *run, const struct shell_path *path);

bool shell_is_directory(const struct shell_run *run, const struct shell_path *path);

/* Does the system have it (an executable, a file of /proc …)? */
bool shell_is_system_file(const struct shell_run *run, const struct shell_path *path);
bool shell_is_executable_name(struct protocol_text name);

/* Makes or truncates a file; NULL, or what the shell says is wrong.  *ret_index is -1 for devices
 * that swallow everything. */
const char *shell_create(struct shell_run *run, const struct shell_path *path, bool append,
    int *ret_index);
void shell_append(struct shell_run *run, unsigned index, const void *data, size_t len);
void shell_remove(struct shell_run *run, unsigned index);
/* The payload of a file is whole. */
void shell_end(struct shell *shell, struct protocol_io *io, unsigned index);

/* A file's bytes, or as many as there are; false when there is no such file. */
bool shell_read(struct shell_run *run, const struct shell_path *path, char *bytes, size_t cap,
    size_t *ret_len);

/* Beginning of an executable of the persona's processor. */
size_t shell_image(const struct protocol_io *io, uint8_t image[SHELL_IMAGE_MAX]);
const char *shell_machine(const struct protocol_io *io);
const char *shell_home(const struct protocol_io *io);

/* ---- commands (shell_applets.c) ------------------------------------------------------------- */

struct shell_words {
	struct protocol_text list[SHELL_WORDS_MAX];
	unsigned count;
};

static inline bool words_is_option(struct protocol_text word)
{
	return word.len > 1 && word.data[0] == '-';
}

static inline bool words_have_flag(const struct shell_words *w, unsigned at, char flag)
{
	for (; at < w->count; at++)
		if (words_is_option(w->list[at]) && memchr(w->list[at].data + 1, flag,
		    w->list[at].len - 1))
			return true;
	return false;
}

static inline size_t words_number(struct protocol_text text, size_t otherwise)
{
	size_t n = 0;

	if (text.len == 0 || !isdigit((unsigned char)text.data[0]))
		return otherwise;
	for (size_t i = 0;
	    i < text.len && isdigit((unsigned char)text.data[i]) && n < 1u << 20; i++)
		n = n * 10 + (size_t)(text.data[i] - '0');
	return n;
}

#define SHELL_STATUS_FAILED 1
#define SHELL_STATUS_NOT_EXECUTABLE 126
#define SHELL_STATUS_NOT_FOUND 127

/* For the %.*s of a message. */
#define SHELL_TEXT(t) (int)(t).len, (t).data

/* Runs one command; the status. */
int shell_command(struct shell_run *run, const struct shell_words *words);

/* Bytes of `echo -e` escapes, through shell_out. */
void shell_unescape(struct shell_run *run, struct protocol_text text, bool *ret_stop);

/* Applets that work on text (shell_text.c) and on files (shell_disk.c); `at` is the word behind the
 * name.  They return the status. */
int shell_echo_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_printf_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_grep_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_head_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_tail_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_wc_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_awk_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_hexdump_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_pass_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_base64_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_cat_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_cp_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_mv_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_rm_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_chmod_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_mkdir_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_touch_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_ls_applet(struct shell_run *run, const struct shell_words *w, unsigned at);
int shell_dd_applet(struct shell_run *run, const struct shell_words *w, unsigned at);

/* Loaders that the persona has. */
bool shell_has_loader(const struct protocol_io *io, struct protocol_text name);
