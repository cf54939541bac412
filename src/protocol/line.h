/*
 * Lines and case-blind words for protocols that are text.
 *
 * A line ends with LF; a CR before it does not count (RFC 5321 2.3.8 and what clients really send).
 */
#pragma once

#include "protocol/protocol.h"

#include <string.h>
#include <strings.h>

/*
 * The first line of a view: *ret_line is without its end; returns how many bytes it takes with
 * its end, 0 when the end is not there.  When io->full is set an endless line is cut at the view's
 * end and counts as a line (what follows it is read as another one).
 */
static inline size_t line_take(const struct protocol_io *io, const uint8_t *data, size_t len,
    struct protocol_text *ret_line)
{
	const uint8_t *end = len ? memchr(data, '\n', len) : NULL;
	size_t taken;

	if (!end && !io->full)
		return 0;
	taken = end ? (size_t)(end - data) + 1 : len;
	ret_line->data = (const char *)data;
	ret_line->len = end ? taken - 1 : taken;
	if (ret_line->len > 0 && ret_line->data[ret_line->len - 1] == '\r')
		ret_line->len--;
	return taken;
}

/* Cases of a letter differ in one bit: most words are told apart by their first byte. */
static inline bool line_may_begin(const void *data, const char *word)
{
	return ((*(const uint8_t *)data ^ (uint8_t)*word) & 0xdf) == 0;
}

/* Does the text begin with the word, whatever the case? */
static inline bool line_begins(struct protocol_text text, const char *word)
{
	size_t len = strlen(word);

	return text.len >= len && (len == 0 || (line_may_begin(text.data, word)
	    && strncasecmp(text.data, word, len) == 0));
}

static inline bool line_is(struct protocol_text text, const char *word)
{
	return text.len == strlen(word) && line_begins(text, word);
}

/* Takes the next word off the text, blanks before it too; empty when there is none. */
static inline struct protocol_text line_word(struct protocol_text *text)
{
	struct protocol_text word;

	while (text->len > 0 && (*text->data == ' ' || *text->data == '\t')) {
		text->data++;
		text->len--;
	}
	word.data = text->data;
	word.len = 0;
	while (word.len < text->len && word.data[word.len] != ' ' && word.data[word.len] != '\t')
		word.len++;
	text->data += word.len;
	text->len -= word.len;
	return word;
}

/* The text without blanks at both ends. */
static inline struct protocol_text line_trim(struct protocol_text text)
{
	while (text.len > 0 && (*text.data == ' ' || *text.data == '\t')) {
		text.data++;
		text.len--;
	}
	while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
		text.len--;
	return text;
}

/*
 * For probes: compares a side's first bytes with a pattern, as far as both go.  NO as soon as they
 * differ, YES when the whole pattern is there, else MORE.
 */
static inline enum protocol_verdict probe_bytes(const uint8_t *data, size_t len,
    const void *pattern, size_t pattern_len)
{
	size_t n = len < pattern_len ? len : pattern_len;

	if (n > 0 && memcmp(data, pattern, n) != 0)
		return PROTOCOL_NO;
	return n == pattern_len ? PROTOCOL_YES : PROTOCOL_MORE;
}

/* The same for a text, whatever the case. */
static inline enum protocol_verdict probe_word(const uint8_t *data, size_t len, const char *word)
{
	size_t word_len = strlen(word);
	size_t n = len < word_len ? len : word_len;

	if (n > 0 && (!line_may_begin(data, word) || strncasecmp((const char *)data, word, n) != 0))
		return PROTOCOL_NO;
	return n == word_len ? PROTOCOL_YES : PROTOCOL_MORE;
}
