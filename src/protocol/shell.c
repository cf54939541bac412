/* The shell's language: words, quotes, redirections, pipes, && and ||.  Contract: shell.h. */
#include "protocol/shell_internal.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- output --------------------------------------------------------------------------------- */

static void to_terminal(struct shell_run *run, const void *data, size_t len)
{
	size_t n = len < run->left ? len : run->left;

	if (n)
		run->write(run->arg, data, n);
	run->left -= n;
}

void shell_out(struct shell_run *run, const void *data, size_t len)
{
	size_t room = sizeof(run->pipe) - run->pipe_len;
	size_t n = len < room ? len : room;

	if (len == 0)
		return;
	switch (run->sink) {
	case SHELL_TO_TERMINAL:
		to_terminal(run, data, len);
		return;
	case SHELL_TO_FILE:
		shell_append(run, run->file, data, len);
		return;
	case SHELL_TO_PIPE:
		memcpy(run->pipe + run->pipe_len, data, n);
		run->pipe_len += n;
		return;
	case SHELL_TO_NOTHING:
	default:
		return;
	}
}

void shell_puts(struct shell_run *run, const char *text)
{
	shell_out(run, text, strlen(text));
}

void shell_printf(struct shell_run *run, const char *fmt, ...)
{
	char text[SHELL_LINE_MAX + 256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		shell_out(run, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

void shell_complain(struct shell_run *run, const char *fmt, ...)
{
	char text[SHELL_LINE_MAX + 256];
	va_list ap;
	int n;

	if (run->quiet)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		to_terminal(run, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* ---- words ---------------------------------------------------------------------------------- */

enum connector {
	END_OF_LINE,
	SEQUENCE,
	AND,
	OR,
	PIPE,
};

struct command {
	struct shell_words words;
	struct protocol_text out;
	struct protocol_text in;
	bool has_out;
	bool has_in;
	bool append;
	bool quiet;
	enum connector end;
};

struct parser {
	struct shell_run *run;
	const char *line;
	size_t len;
	size_t at;
	size_t text_len;
	char text[SHELL_TEXT_MAX]; /* of one command's words */
};

static char peek(const struct parser *p, size_t ahead)
{
	return p->len - p->at > ahead ? p->line[p->at + ahead] : '\0';
}

static void put(struct parser *p, const char *data, size_t len)
{
	size_t room = sizeof(p->text) - p->text_len;
	size_t n = len < room ? len : room;

	if (n)
		memcpy(p->text + p->text_len, data, n);
	p->text_len += n;
}

/* Commands that may stand in $(…): they print and do nothing. */
static bool is_harmless(struct protocol_text name)
{
	static const char *const names[] = {"uname", "whoami", "id", "pwd", "hostname", "nproc",
		"which", "echo", "cat", "date", "arch"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (line_is(name, names[i]))
			return true;
	return false;
}

/* $(…) and `…`: a plain harmless command is run, anything else gives nothing. */
static void substitute(struct parser *p, const char *inner, size_t len)
{
	struct shell_run *run = p->run;
	struct shell_words words = {.count = 0};
	struct protocol_text rest = {inner, len};
	enum shell_sink sink = run->sink;
	bool quiet = run->quiet;

	while (words.count < SHELL_WORDS_MAX) {
		struct protocol_text word = line_word(&rest);

		if (word.len == 0)
			break;
		words.list[words.count++] = word;
	}
	if (words.count == 0 || !is_harmless(words.list[0]))
		return;
	run->sink = SHELL_TO_PIPE;
	run->quiet = true;
	run->pipe_len = 0;
	(void)shell_command(run, &words);
	while (run->pipe_len > 0 && run->pipe[run->pipe_len - 1] == '\n')
		run->pipe_len--;
	put(p, run->pipe, run->pipe_len);
	run->pipe_len = 0;
	run->sink = sink;
	run->quiet = quiet;
}

static void put_variable(struct parser *p, struct protocol_text name)
{
	char number[8];

	if (line_is(name, "?")) {
		(void)snprintf(number, sizeof(number), "%u", p->run->shell->status);
		put(p, number, strlen(number));
	} else if (line_is(name, "$")) {
		put(p, "1187", 4);
	} else if (line_is(name, "HOME")) {
		put(p, shell_home(p->run->io), strlen(shell_home(p->run->io)));
	} else if (line_is(name, "PATH")) {
		put(p, "/bin:/sbin:/usr/bin:/usr/sbin", 29);
	} else if (line_is(name, "SHELL")) {
		put(p, "/bin/sh", 7);
	} else if (line_is(name, "USER")) {
		put(p, "root", 4);
	} else if (line_is(name, "0")) {
		put(p, "-sh", 3);
	}
}

/* Where does the part end that began at p->at, counting nested brackets? */
static size_t find_close(const struct parser *p, size_t from, char open, char close)
{
	unsigned depth = 1;

	for (size_t i = from; i < p->len; i++) {
		depth += p->line[i] == open && open != close;
		if (p->line[i] == close && --depth == 0)
			return i;
	}
	return p->len;
}

/* $NAME, ${NAME}, $(…), at the dollar; false when it is ${IFS}, which is a blank. */
static bool take_dollar(struct parser *p)
{
	size_t from = p->at + 1;
	size_t end = from;
	struct protocol_text name;

	if (peek(p, 1) == '(') {
		end = find_close(p, from + 1, '(', ')');
		substitute(p, p->line + from + 1, end - from - 1);
		p->at = end < p->len ? end + 1 : end;
		return true;
	}
	if (peek(p, 1) == '{') {
		end = find_close(p, ++from, '{', '}');
		p->at = end < p->len ? end + 1 : end;
	} else {
		while (end < p->len
		    && (isalnum((unsigned char)p->line[end]) || p->line[end] == '_'))
			end++;
		if (end == from && end < p->len && strchr("?$@*#!", p->line[end]))
			end++;
		p->at = end;
	}
	name = (struct protocol_text){p->line + from, end - from};
	if (name.len == 0) {
		put(p, "$", 1);
		return true;
	}
	if (line_is(name, "IFS"))
		return false;
	put_variable(p, name);
	return true;
}

static void take_backtick(struct parser *p)
{
	size_t end = find_close(p, p->at + 1, '`', '`');

	substitute(p, p->line + p->at + 1, end - p->at - 1);
	p->at = end < p->len ? end + 1 : end;
}

static void take_single_quotes(struct parser *p)
{
	size_t end = find_close(p, p->at + 1, '\'', '\'');

	put(p, p->line + p->at + 1, end - p->at - 1);
	p->at = end < p->len ? end + 1 : end;
}

static void take_double_quotes(struct parser *p)
{
	p->at++;
	while (p->at < p->len && p->line[p->at] != '"') {
		char c = p->line[p->at];

		if (c == '\\' && peek(p, 1) && strchr("$`\"\\", peek(p, 1))) {
			put(p, p->line + p->at + 1, 1);
			p->at += 2;
		} else if (c == '$') {
			if (!take_dollar(p))
				put(p, " ", 1);
		} else if (c == '`') {
			take_backtick(p);
		} else {
			put(p, &p->line[p->at++], 1);
		}
	}
	p->at += p->at < p->len;
}

static bool ends_word(char c)
{
	return strchr(" \t\r\n;|&<>()", c) != NULL;
}

/* The next word from p->at; there is one. */
static struct protocol_text take_word(struct parser *p)
{
	size_t start = p->text_len;
	bool blank = false;

	while (p->at < p->len && !blank) {
		char c = p->line[p->at];

		if (c == '\'') {
			take_single_quotes(p);
		} else if (c == '"') {
			take_double_quotes(p);
		} else if (c == '`') {
			take_backtick(p);
		} else if (c == '$') {
			blank = !take_dollar(p);
		} else if (c == '\\') {
			if (p->at + 1 < p->len)
				put(p, &p->line[p->at + 1], 1);
			p->at += p->at + 1 < p->len ? 2 : 1;
		} else if (c && ends_word(c)) {
			break;
		} else {
			put(p, &p->line[p->at++], 1);
		}
	}
	return (struct protocol_text){p->text + start, p->text_len - start};
}

static void skip_blanks(struct parser *p)
{
	while (peek(p, 0) == ' ' || peek(p, 0) == '\t')
		p->at++;
}

/* A redirection at p->at, fd its number; the target's word is taken too. */
static void take_redirection(struct parser *p, struct command *c, char fd)
{
	bool is_out = peek(p, 0) == '>';
	bool append = is_out && peek(p, 1) == '>';
	struct protocol_text target;

	p->at += append || peek(p, 1) == '<' ? 2 : 1;
	if (peek(p, 0) == '&') {
		p->at++;
		(void)take_word(p);
		return;
	}
	skip_blanks(p);
	target = take_word(p);
	if (!is_out) {
		c->in = target;
		c->has_in = true;
	} else if (fd == '2') {
		c->quiet = true;
	} else {
		c->out = target;
		c->has_out = true;
		c->append = append;
		c->quiet = c->quiet || fd == '&';
	}
}

/* What ends a command at p->at; false when the command goes on. */
static bool take_end(struct parser *p, struct command *c)
{
	char first = peek(p, 0);
	bool twice = peek(p, 1) == first;

	if (p->at >= p->len || first == '#') {
		c->end = END_OF_LINE;
		p->at = p->len;
		return true;
	}
	if (first == '&' && peek(p, 1) == '>')
		return false;
	if (first == '|')
		c->end = twice ? OR : PIPE;
	else if (first == '&')
		c->end = twice ? AND : SEQUENCE;
	else if (strchr(";\r\n()", first) && first)
		c->end = SEQUENCE;
	else
		return false;
	p->at += (first == '|' || first == '&' || first == ';') && twice ? 2 : 1;
	return true;
}

/* The command at p->at. */
static void take_command(struct parser *p, struct command *c)
{
	c->words.count = 0;
	c->has_out = false;
	c->has_in = false;
	c->append = false;
	c->quiet = false;
	p->text_len = 0;
	for (;;) {
		char first;
		struct protocol_text word;

		skip_blanks(p);
		if (take_end(p, c))
			return;
		first = peek(p, 0);
		if ((isdigit((unsigned char)first) || first == '&')
		    && (peek(p, 1) == '>' || peek(p, 1) == '<')) {
			p->at++;
			take_redirection(p, c, first);
			continue;
		}
		if (first == '>' || first == '<') {
			take_redirection(p, c, '1');
			continue;
		}
		word = take_word(p);
		if (c->words.count < SHELL_WORDS_MAX)
			c->words.list[c->words.count++] = word;
	}
}

/* ---- running -------------------------------------------------------------------------------- */

/* Where the control words of a line have led. */
struct control {
	bool skip;    /* the branch that is not taken */
	bool in_loop; /* inside while read … done */
	bool dropped; /* that loop is behind an && or || and is not run */
};

static bool first_is(const struct command *c, const char *word)
{
	return c->words.count > 0 && line_is(c->words.list[0], word);
}

/* `while read i; do echo $i; done < FILE` is how a file is read without cat. */
static bool is_read_loop(const struct command *c)
{
	return c->words.count > 1 && first_is(c, "while") && line_is(c->words.list[1], "read");
}

/* if, then, else and loops, one level deep; false: the command is not run. */
static bool follow_control(struct shell_run *run, struct control *control, const struct command *c)
{
	if (control->in_loop) {
		control->in_loop = !first_is(c, "done");
		return false;
	}
	if (first_is(c, "then"))
		control->skip = run->shell->status != 0;
	else if (first_is(c, "else"))
		control->skip = !control->skip;
	else if (first_is(c, "fi"))
		control->skip = false;
	if (!control->skip && is_read_loop(c)) {
		control->in_loop = true;
		return false;
	}
	return !control->skip;
}

static void read_input(struct shell_run *run, const struct command *c)
{
	struct shell_path path;

	if (!c->has_in)
		return;
	path = shell_resolve(run, c->in);
	if (!shell_read(run, &path, run->input, sizeof(run->input), &run->input_len)) {
		run->input_len = 0;
		shell_complain(run, "-sh: can't open %.*s: no such file\n", SHELL_TEXT(c->in));
	}
}

/* Directs the output; false when the file cannot be made. */
static bool direct_output(struct shell_run *run, const struct command *c)
{
	struct shell_path path;
	const char *wrong;
	int index;

	run->quiet = c->quiet;
	run->sink = c->end == PIPE ? SHELL_TO_PIPE : SHELL_TO_TERMINAL;
	run->pipe_len = 0;
	if (!c->has_out)
		return true;
	path = shell_resolve(run, c->out);
	wrong = shell_create(run, &path, c->append, &index);
	if (wrong) {
		shell_complain(run, "-sh: can't create %.*s: %s\n", SHELL_TEXT(c->out), wrong);
		return false;
	}
	run->sink = index >= 0 ? SHELL_TO_FILE : SHELL_TO_NOTHING;
	run->file = (unsigned)(index >= 0 ? index : 0);
	return true;
}

static void run_command(struct shell_run *run, struct control *control, const struct command *c)
{
	bool loop_ends = control->in_loop && first_is(c, "done") && !control->dropped;

	if (!follow_control(run, control, c) && !loop_ends)
		return;
	read_input(run, c);
	if (!direct_output(run, c))
		run->shell->status = SHELL_STATUS_FAILED;
	else if (loop_ends)
		shell_out(run, run->input, run->input_len);
	else if (c->words.count > 0)
		run->shell->status = (uint8_t)shell_command(run, &c->words);
	else
		run->shell->status = 0;
}

/* After a command: what it wrote into a pipe is the next one's input. */
static void pass_pipe(struct shell_run *run, const struct command *c)
{
	run->input_len = 0;
	if (c->end == PIPE) {
		memcpy(run->input, run->pipe, run->pipe_len);
		run->input_len = run->pipe_len;
	}
	run->pipe_len = 0;
	run->sink = SHELL_TO_TERMINAL;
	run->quiet = false;
}

void shell_line(struct shell *shell, struct protocol_io *io, const char *line, size_t len,
    shell_write_fn write, void *arg)
{
	struct shell_run run;
	struct parser parser;
	struct command command;
	struct control control = {false, false, false};
	enum connector before = SEQUENCE;
	bool skipped = false;

	if (line_trim((struct protocol_text){line, len}).len > 0)
		protocol_command(io, line, len);
	run.shell = shell;
	run.io = io;
	run.write = write;
	run.arg = arg;
	run.left = SHELL_OUTPUT_MAX;
	run.sink = SHELL_TO_TERMINAL;
	run.quiet = false;
	run.file = 0;
	run.input_len = 0;
	run.pipe_len = 0;
	parser.run = &run;
	parser.line = line;
	parser.len = len;
	parser.at = 0;
	do {
		take_command(&parser, &command);
		skipped = (before == AND && shell->status != 0)
		    || (before == OR && shell->status == 0) || (before == PIPE && skipped);
		if (!control.in_loop)
			control.dropped = skipped;
		if (skipped && is_read_loop(&command))
			control.in_loop = true;
		else if (control.in_loop
		    || (!skipped && (command.words.count > 0 || command.has_out)))
			run_command(&run, &control, &command);
		pass_pipe(&run, &command);
		before = command.end;
	} while (command.end != END_OF_LINE && !shell->over);
}

void shell_prompt(const struct shell *shell, const struct protocol_io *io, shell_write_fn write,
    void *arg)
{
	const char *prompt = protocol_persona(io, "shell.prompt");
	const char *percent = strchr(prompt, '%');
	const char *home = shell_home(io);

	if (!percent) {
		write(arg, prompt, strlen(prompt));
		return;
	}
	if (percent > prompt)
		write(arg, prompt, (size_t)(percent - prompt));
	if (shell->cwd_len == 0
	    || (shell->cwd_len == strlen(home) && memcmp(shell->cwd, home, shell->cwd_len) == 0))
		write(arg, "~", 1);
	else
		write(arg, shell->cwd, shell->cwd_len);
	if (percent[1])
		write(arg, percent + 1, strlen(percent + 1));
}

void shell_close(struct shell *shell, struct protocol_io *io)
{
	for (unsigned i = 0; i < SHELL_FILES; i++)
		shell_end(shell, io, i);
}
