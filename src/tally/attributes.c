/* Attributes of a session; the contract is in attributes.h. */
#include "tally/attributes.h"

#include "base/rd.h"

#include <string.h>

#define BYTES_MAX 2048u
#define TEXT_MAX 512u
#define HEAD 3u /* attribute, length */

struct protocol_text attributes_find(const struct bag *b, enum protocol_attribute wanted)
{
	struct protocol_text found = {"", 0};
	size_t at = 0;

	while (at + HEAD <= b->len) {
		const uint8_t *p = b->bytes + at;
		size_t len = rd_at_u16be(p + 1);

		if (p[0] == wanted)
			found = (struct protocol_text){(const char *)p + HEAD, len};
		at += HEAD + len;
	}
	return found;
}

void attributes_keep(struct room_pool *pool, struct bag *b, enum protocol_attribute attribute,
    struct protocol_text text)
{
	size_t len = text.len < TEXT_MAX ? text.len : TEXT_MAX;
	uint8_t head[HEAD] = {(uint8_t)attribute, (uint8_t)(len >> 8), (uint8_t)len};
	struct protocol_text before = attributes_find(b, attribute);

	if (attribute == PROTOCOL_REQUEST && before.len > 0)
		return;
	if (before.len == len && memcmp(before.data, text.data, len) == 0)
		return;
	if (b->len + HEAD + len <= BYTES_MAX && bag_add(pool, b, head, HEAD, BYTES_MAX))
		(void)bag_add(pool, b, text.data, len, BYTES_MAX);
}
