/* The shell's commands on text: echo and printf with their escapes, and the filters of pipes. */
#include "protocol/encoding.h"
#include "protocol/shell_internal.h"

static void put_text(struct shell_run *run, struct protocol_text text)
{
	shell_out(run, text.data, text.len);
}

/* ---- echo and printf ------------------------------------------------------------------------ */

static unsigned digit_of(char c, unsigned base)
{
	unsigned v = 99;

	if (c >= '0' && c <= '9')
		v = (unsigned)(c - '0');
	else if (c >= 'a' && c <= 'f')
		v = (unsigned)(c - 'a') + 10;
	else if (c >= 'A' && c <= 'F')
		v = (unsigned)(c - 'A') + 10;
	return v < base ? v : 99;
}

/* Digits of a number escape from text.data[*at] on; false when there is none. */
static bool take_digits(struct protocol_text text, size_t *at, unsigned base, unsigned most,
    uint8_t *ret_byte)
{
	unsigned value = 0;
	unsigned n = 0;

	while (n < most && *at < text.len && digit_of(text.data[*at], base) < base) {
		value = value * base + digit_of(text.data[*at], base);
		(*at)++;
		n++;
	}
	if (n > 0)
		*ret_byte = (uint8_t)value;
	return n > 0;
}

/* One escape, text.data[at] is behind the backslash; returns the position behind it. */
static size_t take_escape(struct protocol_text text, size_t at, uint8_t *ret_byte, bool *ret_stop)
{
	static const char from[] = "abefnrtv\\\"";
	static const char to[] = "\a\b\033\f\n\r\t\v\\\"";
	char c = text.data[at];
	const char *known = strchr(from, c);
	size_t after = at + 1;

	*ret_byte = '\\';
	if (c == 'c') {
		*ret_stop = true;
		return text.len;
	}
	if (c == 'x')
		return take_digits(text, &after, 16, 2, ret_byte) ? after : at;
	if (c == '0') {
		*ret_byte = 0;
		(void)take_digits(text, &after, 8, 3, ret_byte);
		return after;
	}
	if (take_digits(text, &at, 8, 3, ret_byte))
		return at;
	if (!known || !c)
		return at;
	*ret_byte = (uint8_t)to[known - from];
	return after;
}

void shell_unescape(struct shell_run *run, struct protocol_text text, bool *ret_stop)
{
	uint8_t bytes[256];
	size_t n = 0;

	for (size_t at = 0; at < text.len;) {
		bytes[n] = (uint8_t)text.data[at++];
		if (bytes[n] == '\\' && at < text.len)
			at = take_escape(text, at, &bytes[n], ret_stop);
		if (*ret_stop)
			break;
		if (++n == sizeof(bytes)) {
			shell_out(run, bytes, n);
			n = 0;
		}
	}
	shell_out(run, bytes, n);
}

/* Is the word -n, -e, -ne …? */
static bool echo_options(struct protocol_text word, bool *newline, bool *escapes)
{
	if (word.len < 2 || word.data[0] != '-')
		return false;
	for (size_t i = 1; i < word.len; i++)
		if (!strchr("neE", word.data[i]) || !word.data[i])
			return false;
	for (size_t i = 1; i < word.len; i++) {
		if (word.data[i] == 'n')
			*newline = false;
		else
			*escapes = word.data[i] == 'e';
	}
	return true;
}

int shell_echo_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	bool newline = true;
	bool escapes = false;
	bool stop = false;

	while (at < w->count && echo_options(w->list[at], &newline, &escapes))
		at++;
	for (unsigned i = at; i < w->count && !stop; i++) {
		if (i > at)
			shell_puts(run, " ");
		if (escapes)
			shell_unescape(run, w->list[i], &stop);
		else
			put_text(run, w->list[i]);
	}
	if (newline && !stop)
		shell_puts(run, "\n");
	return 0;
}

/* The format with its escapes; %s and the like take the next argument's text. */
int shell_printf_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	struct protocol_text format = at < w->count ? w->list[at] : (struct protocol_text){"", 0};
	bool stop = false;
	unsigned next = at + 1;

	while (format.len > 0 && !stop) {
		const char *percent = memchr(format.data, '%', format.len);
		size_t n = percent ? (size_t)(percent - format.data) : format.len;

		shell_unescape(run, (struct protocol_text){format.data, n}, &stop);
		if (!percent || stop)
			break;
		n++;
		if (n < format.len && format.data[n] == '%')
			shell_puts(run, "%");
		else if (next < w->count && n < format.len && format.data[n] == 'b')
			shell_unescape(run, w->list[next++], &stop);
		else if (next < w->count)
			put_text(run, w->list[next++]);
		n += n < format.len;
		format.data += n;
		format.len -= n;
	}
	return 0;
}

/* ---- text filters --------------------------------------------------------------------------- */

/* What a filter works on: its first file, or what came through the pipe. */
static size_t filter_input(struct shell_run *run, const struct shell_words *w, unsigned at,
    char *bytes, size_t cap)
{
	size_t len = 0;

	for (; at < w->count; at++) {
		struct shell_path path = shell_resolve(run, w->list[at]);

		if (!words_is_option(w->list[at]) && shell_read(run, &path, bytes, cap, &len))
			return len;
	}
	len = run->input_len < cap ? run->input_len : cap;
	memcpy(bytes, run->input, len);
	return len;
}

int shell_grep_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	char bytes[SHELL_OUTPUT_MAX];
	bool invert = words_have_flag(w, at, 'v');
	bool quiet = words_have_flag(w, at, 'q');
	struct protocol_text pattern;
	size_t len;
	int status = SHELL_STATUS_FAILED;

	while (at < w->count && words_is_option(w->list[at]))
		at++;
	if (at == w->count)
		return SHELL_STATUS_FAILED;
	pattern = w->list[at];
	len = filter_input(run, w, at + 1, bytes, sizeof(bytes));
	for (size_t from = 0; from < len;) {
		const char *eol = memchr(bytes + from, '\n', len - from);
		size_t n = eol ? (size_t)(eol - bytes) + 1 - from : len - from;
		bool found = memmem(bytes + from, n, pattern.data, pattern.len) != NULL;

		if (found != invert) {
			status = 0;
			if (!quiet)
				shell_out(run, bytes + from, n);
		}
		from += n;
	}
	return status;
}

/* head and tail: -c N bytes, -n N or -N lines. */
static int ends(struct shell_run *run, const struct shell_words *w, unsigned at, bool tail)
{
	char bytes[SHELL_OUTPUT_MAX];
	size_t lines = 10;
	size_t most = SIZE_MAX;
	size_t len;
	size_t n = 0;

	for (unsigned i = at; i < w->count; i++) {
		struct protocol_text word = w->list[i];
		struct protocol_text value = {word.data + 2, word.len > 2 ? word.len - 2 : 0};

		if (!words_is_option(word))
			continue;
		if (value.len == 0 && i + 1 < w->count)
			value = w->list[i + 1];
		if (word.data[1] == 'c')
			most = words_number(value, most);
		else if (word.data[1] == 'n')
			lines = words_number(value, lines);
		else
			lines = words_number(
			    (struct protocol_text){word.data + 1, word.len - 1}, lines);
	}
	len = filter_input(run, w, at, bytes, sizeof(bytes));
	if (most != SIZE_MAX) {
		n = len < most ? len : most;
		shell_out(run, tail ? bytes + len - n : bytes, n);
		return 0;
	}
	if (tail) {
		for (n = len; n > 0 && lines > 0; n--)
			lines -= n < len && bytes[n - 1] == '\n';
		n += n > 0 || lines == 0;
		shell_out(run, bytes + n, len - n);
		return 0;
	}
	for (; n < len && lines > 0; n++)
		lines -= bytes[n] == '\n';
	shell_out(run, bytes, n);
	return 0;
}

int shell_head_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	return ends(run, w, at, false);
}

int shell_tail_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	return ends(run, w, at, true);
}

int shell_wc_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	char bytes[SHELL_OUTPUT_MAX];
	size_t len = filter_input(run, w, at, bytes, sizeof(bytes));
	size_t lines = 0;
	size_t words = 0;

	for (size_t i = 0; i < len; i++) {
		lines += bytes[i] == '\n';
		words += !isspace((unsigned char)bytes[i])
		    && (i == 0 || isspace((unsigned char)bytes[i - 1]));
	}
	if (words_have_flag(w, at, 'c'))
		shell_printf(run, "%zu\n", len);
	else if (words_have_flag(w, at, 'l'))
		shell_printf(run, "%zu\n", lines);
	else if (words_have_flag(w, at, 'w'))
		shell_printf(run, "%zu\n", words);
	else
		shell_printf(run, "%9zu %9zu %9zu\n", lines, words, len);
	return 0;
}

int shell_pass_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	char bytes[SHELL_OUTPUT_MAX];

	shell_out(run, bytes, filter_input(run, w, at, bytes, sizeof(bytes)));
	return 0;
}

int shell_base64_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	char bytes[SHELL_OUTPUT_MAX];
	uint8_t plain[SHELL_OUTPUT_MAX];
	size_t len = filter_input(run, w, at, bytes, sizeof(bytes) / 2);

	if (words_have_flag(w, at, 'd') || words_have_flag(w, at, 'D')) {
		shell_out(run, plain, encoding_base64(bytes, len, plain, sizeof(plain)));
	} else {
		char text[SHELL_OUTPUT_MAX];

		shell_out(run, text, encoding_base64_write(bytes, len, text, sizeof(text)));
		shell_puts(run, "\n");
	}
	return 0;
}


/* awk '{print $2, $4}' is how bots pick fields; other programs give nothing. */
static void print_fields(struct shell_run *run, struct protocol_text program,
    struct protocol_text line)
{
	bool any = false;

	for (size_t i = 0; i + 1 < program.len; i++) {
		struct protocol_text rest = line;
		struct protocol_text field = line;
		unsigned number;

		if (program.data[i] != '$' || !isdigit((unsigned char)program.data[i + 1]))
			continue;
		number = (unsigned)(program.data[i + 1] - '0');
		for (unsigned n = 0; n < number; n++)
			field = line_word(&rest);
		if (any)
			shell_puts(run, " ");
		put_text(run, field);
		any = true;
	}
	if (any)
		shell_puts(run, "\n");
}

int shell_awk_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	char bytes[SHELL_OUTPUT_MAX];
	size_t len;

	while (at < w->count && words_is_option(w->list[at]))
		at++;
	if (at == w->count || !memmem(w->list[at].data, w->list[at].len, "print", 5))
		return 0;
	len = filter_input(run, w, at + 1, bytes, sizeof(bytes));
	for (size_t from = 0; from < len;) {
		const char *eol = memchr(bytes + from, '\n', len - from);
		size_t n = eol ? (size_t)(eol - bytes) - from : len - from;

		print_fields(run, w->list[at], (struct protocol_text){bytes + from, n});
		from += n + 1;
	}
	return 0;
}

/* hexdump -e '16/1 "%c"' -n 52 FILE is another way to say cat. */
int shell_hexdump_applet(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	char bytes[SHELL_OUTPUT_MAX];
	size_t most = sizeof(bytes);
	bool raw = false;
	size_t len;

	for (unsigned i = at; i < w->count; i++) {
		raw = raw || memmem(w->list[i].data, w->list[i].len, "%c", 2);
		if (line_is(w->list[i], "-n") && i + 1 < w->count)
			most = words_number(w->list[i + 1], most);
	}
	len = filter_input(run, w, at, bytes, sizeof(bytes));
	if (raw)
		shell_out(run, bytes, len < most ? len : most);
	return 0;
}
