/*
 * The shell of the answering side: enough of BusyBox's for loaders to go through with their
 * dialogue, in a few hundred bytes, touching nothing outside its own struct.
 *
 * Lines are run as a shell would: words, quotes, ; && || | and redirections; echo and printf really
 * decode their escapes, small files can be written, read back, copied and removed; the system is
 * the persona's (processor, mounts, processes, which loaders are there).  What is written into a
 * file goes out as a payload, piece by piece, so a dropper that comes as echo lines is put together
 * again.  Nothing is executed, fetched or looked up; unknown words get the answer a real shell has
 * for them.
 *
 * Shared by telnet and SSH, and used on passive captures too: there the output goes nowhere.
 */
#pragma once

#include "protocol/protocol.h"

#define SHELL_FILES 8        /* also the payload numbers 0 … 7 */
#define SHELL_NAME_MAX 20    /* of a file, as the payload's name and in ls */
#define SHELL_KEPT_MAX 44    /* of a file's content, to be read back */
#define SHELL_CWD_MAX 32
#define SHELL_LINE_MAX 1024  /* BusyBox's own line limit */
#define SHELL_OUTPUT_MAX 4096 /* of one line; more is dropped */

struct shell_file {
	uint32_t path; /* hash of the absolute path; 0: free */
	uint32_t size;
	uint8_t flags;
	uint8_t name_len;
	uint8_t kept_len;
	char name[SHELL_NAME_MAX];
	char kept[SHELL_KEPT_MAX];
};

/* Zero is a fresh shell in its home directory. */
struct shell {
	struct shell_file files[SHELL_FILES];
	char cwd[SHELL_CWD_MAX];
	uint8_t cwd_len; /* 0: home */
	uint8_t status;  /* $? */
	uint8_t next;    /* the file that gives way when there are too many */
	bool over;       /* exit was typed */
	bool android;    /* the machine is one: its directories, its words */
};

/* Where output goes; never more than SHELL_OUTPUT_MAX bytes per line. */
typedef void (*shell_write_fn)(void *arg, const void *data, size_t len);

/* Runs a line (without its end), which is told as a command.  Line ends in the output are LF. */
void shell_line(struct shell *shell, struct protocol_io *io, const char *line, size_t len,
    shell_write_fn write, void *arg);

/* Writes the prompt. */
void shell_prompt(const struct shell *shell, const struct protocol_io *io, shell_write_fn write,
    void *arg);

/* A file came by another way (a push): from now on the shell has it. */
void shell_touch(struct shell *shell, struct protocol_io *io, const char *path, size_t len);

/* The session is over: files that were written are whole. */
void shell_close(struct shell *shell, struct protocol_io *io);
