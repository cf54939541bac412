/*
 * Replies made of a persona's lines.  What comes from the visitor is never sent back raw: control
 * characters become blanks and long arguments are cut.
 */
#include "protocol/phrase.h"

#include <string.h>

#define LINE_MAX 768
#define ARGUMENT_MAX 128

struct protocol_text phrase_line(const struct protocol_io *io, const char *key, unsigned number)
{
	const char *text = protocol_persona(io, key);
	size_t len;

	for (unsigned i = 0; i < number; i++) {
		text += strcspn(text, "\n");
		if (!*text)
			return PROTOCOL_LITERAL("");
		text++;
	}
	len = strcspn(text, "\n");
	return (struct protocol_text){text, len};
}

static void put_argument(struct wr *w, struct protocol_text argument)
{
	size_t n = argument.len < ARGUMENT_MAX ? argument.len : ARGUMENT_MAX;

	for (size_t i = 0; i < n; i++) {
		uint8_t byte = (uint8_t)argument.data[i];

		wr_u8(w, byte < 0x20 || byte == 0x7f ? ' ' : byte);
	}
}

void phrase_reply(struct protocol_io *io, const char *key, unsigned number,
    struct protocol_text argument)
{
	const struct protocol_text line = phrase_line(io, key, number);
	uint8_t reply[LINE_MAX];
	struct wr w = wr_init(reply, sizeof(reply));

	if (!io->answering)
		return;
	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] == '|')
			wr_bytes(&w, "\r\n", 2);
		else if (line.data[i] == '%')
			put_argument(&w, argument);
		else
			wr_u8(&w, (uint8_t)line.data[i]);
	}
	wr_bytes(&w, "\r\n", 2);
	if (!w.bad)
		protocol_reply(io, reply, wr_len(&w));
}
