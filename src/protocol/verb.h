/*
 * Command words of text protocols: finding one in a module's list, and probing for one.
 *
 * A probe that needs the whole word with what ends it does not take "USERS" for "USER".
 */
#pragma once

#include "protocol/line.h"

#define VERB_NONE UINT8_MAX

/* The index of the word in a NULL-terminated list, whatever its case; VERB_NONE when not there. */
static inline unsigned verb_find(struct protocol_text word, const char *const *list)
{
	for (unsigned i = 0; list[i]; i++)
		if (line_is(word, list[i]))
			return i;
	return VERB_NONE;
}

static inline bool verb_ends(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* Do these bytes begin with one of the words and what ends a word? */
static inline enum protocol_verdict verb_probe(const uint8_t *data, size_t len,
    const char *const *list)
{
	enum protocol_verdict best = PROTOCOL_NO;

	for (unsigned i = 0; list[i]; i++) {
		size_t word_len = strlen(list[i]);
		enum protocol_verdict verdict = probe_word(data, len, list[i]);

		if (verdict == PROTOCOL_YES && len == word_len)
			verdict = PROTOCOL_MORE;
		else if (verdict == PROTOCOL_YES && !verb_ends(data[word_len]))
			verdict = PROTOCOL_NO;
		if (verdict == PROTOCOL_YES)
			return verdict;
		if (verdict == PROTOCOL_MORE)
			best = verdict;
	}
	return best;
}

/* For a module's own port: text is taken for a command, binary is not. */
static inline enum protocol_verdict verb_hinted(const struct protocol_start *start)
{
	uint8_t first = start->client_len ? start->client[0] : ' ';

	return first >= ' ' || verb_ends(first) ? PROTOCOL_YES : PROTOCOL_NO;
}

/*
 * A line; what follows an over-long line up to its end is passed over.  `skip` lives in the state.
 * ret_line->data is NULL when what was taken is no line.  0: more, please.
 */
static inline size_t verb_line(const struct protocol_io *io, bool *skip, const uint8_t *data,
    size_t len, struct protocol_text *ret_line)
{
	const uint8_t *end = len ? memchr(data, '\n', len) : NULL;
	size_t taken;

	if (*skip) {
		*ret_line = (struct protocol_text){NULL, 0};
		*skip = !end;
		return end ? (size_t)(end - data) + 1 : len;
	}
	taken = line_take(io, data, len, ret_line);
	*skip = taken > 0 && !end;
	return taken;
}
