/*
 * Greedy line filling over the break rules of kinsoku.c; characters that must not begin a line are
 * pushed out together with the character before them (追い出し), so that no line is ever too long.
 */
#include "publish/wrap.h"

#include "base/utf8.h"

#include <string.h>

void publish_repeat(struct buf *b, const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_puts(b, text);
}

static bool is_space(uint32_t cp)
{
	return cp == ' ' || cp == 0x3000;
}

static size_t skip_spaces(const char *text, size_t at, size_t len)
{
	while (at < len && text[at] == ' ')
		at++;
	return at;
}

/* The end of text[from..end) without its last spaces of either width. */
static size_t drop_spaces(const char *text, size_t from, size_t end)
{
	for (;;) {
		if (end > from && text[end - 1] == ' ')
			end--;
		else if (end >= from + 3 && memcmp(text + end - 3, "\xe3\x80\x80", 3) == 0)
			end -= 3;
		else
			return end;
	}
}

/*
 * The end of the line that starts at `from` and has `room` columns: the last allowed break, the
 * end of the text, or (nothing allowed) as much as fits, at least one character.
 */
static size_t line_end(const struct publish_style *style, const char *text, size_t from,
    size_t len, size_t room)
{
	size_t at = from;
	size_t allowed = 0;
	size_t width = 0;
	uint32_t before = 0;

	while (at < len) {
		uint32_t cp;
		size_t used = utf8_decode(text + at, len - at, &cp);

		if (at > from && publish_break_allowed(style, before, cp))
			allowed = at;
		/* A space at the end of a line is dropped and takes no room. */
		width += publish_width_of(style, cp);
		if (width > room && !is_space(cp)) {
			if (allowed > from)
				return allowed;
			return at > from ? at : at + used;
		}
		before = cp;
		at += used;
	}
	return len;
}

void publish_wrap(struct buf *b, const struct publish_style *style, const char *text,
    size_t width, const char *first, const char *rest)
{
	size_t len = strlen(text);
	const char *indent = first;

	for (size_t at = 0; at < len;) {
		size_t taken = publish_width(style, indent, strlen(indent));
		size_t end = line_end(style, text, at, len, width > taken ? width - taken : 1);
		size_t last = drop_spaces(text, at, end);

		buf_puts(b, last > at ? indent : "");
		buf_append(b, text + at, last - at);
		buf_putc(b, '\n');
		at = skip_spaces(text, end, len);
		indent = rest;
	}
}
