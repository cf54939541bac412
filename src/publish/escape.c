/*
 * Escaping for HTML, Markdown, JSON and CSV.
 *
 * Names of users, URLs and commands in a report were typed by attackers; these functions are what
 * stands between them and the reader's browser, feed reader or spreadsheet.
 */
#include "publish/escape.h"

#include "base/utf8.h"

#include <string.h>

void publish_escape_html(struct buf *b, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '&')
			buf_puts(b, "&amp;");
		else if (c == '<')
			buf_puts(b, "&lt;");
		else if (c == '>')
			buf_puts(b, "&gt;");
		else if (c == '"')
			buf_puts(b, "&quot;");
		else if (c == '\'')
			buf_puts(b, "&#39;");
		else if (c < 0x20 && c != '\n' && c != '\t')
			buf_puts(b, "\xef\xbf\xbd"); /* not allowed in XML 1.0 at all */
		else
			buf_putc(b, (char)c);
	}
}

/* True at the mark that would make a list of the line: "- ", "+ ", "1. ", "1) ". */
static bool starts_list(const char *start, const char *text)
{
	size_t digits = strspn(start, "0123456789");

	if (text[1] != ' ' && text[1] != '\0')
		return false;
	if (text == start)
		return *text == '-' || *text == '+';
	return digits > 0 && text == start + digits && (*text == '.' || *text == ')');
}

void publish_escape_markdown(struct buf *b, const char *text)
{
	const char *start = text;

	for (; *text; text++) {
		bool first = text == start;

		if (*text == '&') {
			buf_puts(b, "&amp;");
			continue;
		}
		if (*text == '<') {
			buf_puts(b, "&lt;");
			continue;
		}
		/* A bare URL or address would become a link in GitHub's dialect. */
		if (strchr("\\`*_[]>|~#@", *text) || starts_list(start, text)
		    || (*text == '/' && !first && text[-1] == ':')
		    || (*text == '.' && text - start >= 3 && strncmp(text - 3, "www", 3) == 0))
			buf_putc(b, '\\');
		buf_putc(b, *text == '\n' ? ' ' : *text);
	}
}

void publish_escape_json(struct buf *b, const char *text)
{
	struct buf valid = {0};

	utf8_append_valid(&valid, text, strlen(text));
	buf_putc(b, '"');
	for (const char *p = buf_text(&valid); *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\u%04x", c);
		else
			buf_putc(b, (char)c);
	}
	buf_putc(b, '"');
	b->failed |= valid.failed;
	buf_fini(&valid);
}

void publish_escape_csv(struct buf *b, const char *text, bool outside)
{
	bool formula = outside && *text && strchr("=+-@\t\r", *text);

	if (!formula && !strpbrk(text, "\",\r\n")) {
		buf_puts(b, text);
		return;
	}
	buf_putc(b, '"');
	if (formula)
		buf_putc(b, '\'');
	for (; *text; text++) {
		if (*text == '"')
			buf_putc(b, '"');
		buf_putc(b, *text);
	}
	buf_putc(b, '"');
}
