/* The shell's commands on files: cat, cp, mv, rm, chmod, mkdir, touch, ls, dd. */
#include "protocol/shell_internal.h"

#include <stdio.h>

static int cat_file(struct shell_run *run, const char *name, struct protocol_text word)
{
	char bytes[SHELL_OUTPUT_MAX];
	struct shell_path path = shell_resolve(run, word);
	size_t len;

	if (shell_read(run, &path, bytes, sizeof(bytes), &len)) {
		shell_out(run, bytes, len);
		return 0;
	}
	if (shell_is_directory(run, &path) && run->io->answering)
		shell_complain(run, "%s: read error: Is a directory\n", name);
	else
		shell_complain(run, "%s: can't open '%.*s': No such file or directory\n", name,
		    SHELL_TEXT(word));
	return SHELL_STATUS_FAILED;
}

int shell_cat_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	int status = 0;
	bool any = false;

	for (; at < w->count; at++) {
		if (words_is_option(w->list[at]))
			continue;
		any = true;
		status |= cat_file(run, "cat", w->list[at]);
	}
	if (!any)
		shell_out(run, run->input, run->input_len);
	return status;
}

/* The two last words that are no options. */
static bool two_paths(const struct shell_words *w, unsigned at, struct protocol_text *ret_from,
    struct protocol_text *ret_to)
{
	unsigned found = 0;

	for (; at < w->count; at++) {
		if (words_is_option(w->list[at]))
			continue;
		if (found++ == 0)
			*ret_from = w->list[at];
		else
			*ret_to = w->list[at];
	}
	return found >= 2;
}

/* cp DIR is cp DIR/NAME. */
static struct shell_path target_path(struct shell_run *run, const struct shell_path *from,
    struct protocol_text to)
{
	struct shell_path path = shell_resolve(run, to);
	char joined[2 * SHELL_PATH_MAX];
	const char *name = strrchr(from->text, '/');
	int n;

	if (!run->io->answering || !shell_is_directory(run, &path))
		return path;
	n = snprintf(joined, sizeof(joined), "%s%s", path.text, name);
	return shell_resolve(run, (struct protocol_text){joined, n > 0 ? (size_t)n : 0});
}

static int copy(struct shell_run *run, const char *name, const struct shell_words *w, unsigned at,
    bool move)
{
	struct protocol_text from;
	struct protocol_text to;
	struct shell_path source;
	struct shell_path target;
	struct shell_file kept = {.path = 0};
	const char *wrong;
	int index;
	int made;

	if (!two_paths(w, at, &from, &to))
		return SHELL_STATUS_FAILED;
	source = shell_resolve(run, from);
	index = shell_find(run, &source);
	if (index < 0 && !shell_is_system_file(run, &source)) {
		shell_complain(run, "%s: can't stat '%.*s': No such file or directory\n", name,
		    SHELL_TEXT(from));
		return SHELL_STATUS_FAILED;
	}
	if (index >= 0)
		kept = run->shell->files[index];
	else
		kept.flags = SHELL_FILE_IMAGE | SHELL_FILE_EXECUTABLE;
	target = target_path(run, &source, to);
	if (index >= 0 && shell_find(run, &target) == index)
		return SHELL_STATUS_FAILED;
	if (move && index >= 0)
		shell_remove(run, (unsigned)index);
	wrong = shell_create(run, &target, false, &made);
	if (wrong) {
		shell_complain(run, "%s: can't create '%.*s': %s\n", name, SHELL_TEXT(to), wrong);
		return SHELL_STATUS_FAILED;
	}
	if (made >= 0) {
		struct shell_file *file = &run->shell->files[made];

		file->flags |= kept.flags & (SHELL_FILE_IMAGE | SHELL_FILE_EXECUTABLE);
		file->size = kept.size;
		file->kept_len = kept.kept_len;
		memcpy(file->kept, kept.kept, sizeof(kept.kept));
	}
	return 0;
}

int shell_cp_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	return copy(run, "cp", w, at, false);
}

int shell_mv_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	return copy(run, "mv", w, at, true);
}

int shell_rm_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	bool force = words_have_flag(w, at, 'f');
	int status = 0;

	for (; at < w->count; at++) {
		struct shell_path path = shell_resolve(run, w->list[at]);
		int index = shell_find(run, &path);

		if (words_is_option(w->list[at]) || memchr(w->list[at].data, '*', w->list[at].len))
			continue;
		if (index >= 0) {
			shell_remove(run, (unsigned)index);
		} else if (!force) {
			shell_complain(run, "rm: can't remove '%.*s': %s\n",
			    SHELL_TEXT(w->list[at]),
			    shell_is_system_file(run, &path) ? "Read-only file system"
			    : shell_is_directory(run, &path) ? "Is a directory"
			                                    : "No such file or directory");
			status = SHELL_STATUS_FAILED;
		}
	}
	return status;
}

int shell_chmod_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	int status = 0;
	bool mode = false;

	for (; at < w->count; at++) {
		struct shell_path path = shell_resolve(run, w->list[at]);
		int index = shell_find(run, &path);

		if (!mode) {
			/* -x is a mode, -R is not. */
			mode = !words_is_option(w->list[at])
			    || strchr("rwx", w->list[at].data[1]);
			continue;
		}
		if (index >= 0)
			run->shell->files[index].flags |= SHELL_FILE_EXECUTABLE;
		else if (!shell_is_system_file(run, &path) && !shell_is_directory(run, &path)
		    && !memchr(w->list[at].data, '*', w->list[at].len)) {
			shell_complain(run, "chmod: %.*s: No such file or directory\n",
			    SHELL_TEXT(w->list[at]));
			status = SHELL_STATUS_FAILED;
		}
	}
	return status;
}

static int make(struct shell_run *run, const char *name, const struct shell_words *w, unsigned at,
    bool directory)
{
	int status = 0;

	for (; at < w->count; at++) {
		struct shell_path path = shell_resolve(run, w->list[at]);
		const char *wrong;
		int index;

		if (words_is_option(w->list[at]))
			continue;
		if (shell_find(run, &path) >= 0
		    || (run->io->answering && shell_is_directory(run, &path))) {
			if (directory && !words_have_flag(w, 0, 'p')) {
				shell_complain(run,
				    "%s: can't create directory '%.*s': File exists\n", name,
				    SHELL_TEXT(w->list[at]));
				status = SHELL_STATUS_FAILED;
			}
			continue;
		}
		wrong = shell_create(run, &path, true, &index);
		if (wrong) {
			shell_complain(run, "%s: %.*s: %s\n", name, SHELL_TEXT(w->list[at]), wrong);
			status = SHELL_STATUS_FAILED;
		} else if (index >= 0 && directory) {
			run->shell->files[index].flags |= SHELL_FILE_DIRECTORY;
		}
	}
	return status;
}

int shell_mkdir_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	return make(run, "mkdir", w, at, true);
}

int shell_touch_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	return make(run, "touch", w, at, false);
}

int shell_ls_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	bool is_long = words_have_flag(w, at, 'l');

	for (; at < w->count; at++) {
		struct shell_path path = shell_resolve(run, w->list[at]);

		if (words_is_option(w->list[at]))
			continue;
		if (shell_find(run, &path) >= 0 || shell_is_system_file(run, &path)) {
			shell_printf(run, "%.*s\n", SHELL_TEXT(w->list[at]));
			return 0;
		}
		if (!shell_is_directory(run, &path)) {
			shell_complain(run, "ls: %.*s: No such file or directory\n",
			    SHELL_TEXT(w->list[at]));
			return SHELL_STATUS_FAILED;
		}
	}
	for (unsigned i = 0; i < SHELL_FILES; i++) {
		const struct shell_file *file = &run->shell->files[i];

		if (!file->path)
			continue;
		if (is_long)
			shell_printf(run, "%s    1 root     root     %9u Jan  1 00:0%u ",
			    file->flags & SHELL_FILE_EXECUTABLE ? "-rwxrwxrwx" : "-rw-r--r--",
			    (unsigned)file->size, i);
		shell_printf(run, "%.*s\n", (int)file->name_len, file->name);
	}
	return 0;
}

/* Value of "name=" among the words. */
static struct protocol_text assignment(const struct shell_words *w, unsigned at, const char *name)
{
	for (; at < w->count; at++)
		if (line_begins(w->list[at], name))
			return (struct protocol_text){w->list[at].data + strlen(name),
			    w->list[at].len - strlen(name)};
	return (struct protocol_text){"", 0};
}

int shell_dd_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	struct protocol_text from = assignment(w, at, "if=");
	struct protocol_text to = assignment(w, at, "of=");
	size_t block = words_number(assignment(w, at, "bs="), 512);
	size_t count = words_number(assignment(w, at, "count="), SIZE_MAX);
	struct shell_path path;
	char bytes[SHELL_OUTPUT_MAX];
	size_t len = 0;
	size_t most;

	block = block ? block : 1;
	most = count > sizeof(bytes) / block ? sizeof(bytes) : count * block;
	if (from.len) {
		path = shell_resolve(run, from);
		if (!shell_read(run, &path, bytes, sizeof(bytes), &len)) {
			shell_complain(run, "dd: can't open '%.*s': No such file or directory\n",
			    SHELL_TEXT(from));
			return SHELL_STATUS_FAILED;
		}
	} else {
		memcpy(bytes, run->input, run->input_len);
		len = run->input_len;
	}
	len = len < most ? len : most;
	if (to.len) {
		int index;

		path = shell_resolve(run, to);
		if (!shell_create(run, &path, false, &index) && index >= 0)
			shell_append(run, (unsigned)index, bytes, len);
	} else {
		shell_out(run, bytes, len);
	}
	shell_complain(run, "%zu+%d records in\n%zu+%d records out\n", len / block,
	    len % block != 0, len / block, len % block != 0);
	return 0;
}

