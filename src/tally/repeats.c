/* What the same datagram did before; the contract is in repeats.h. */
#include "tally/repeats.h"

#include "base/hash.h"

#include <string.h>

static uint64_t load(const uint8_t *data, size_t len)
{
	uint64_t word = 0;

	memcpy(&word, data, len);
	return word;
}

struct repeats_key repeats_key_of(uint16_t port, const uint8_t *data, size_t len)
{
	struct repeats_key key = {.data = data, .len = len, .port = port};
	uint64_t h = port;
	size_t at = 0;

	if (len > REPEATS_BYTES_MAX)
		return key;
	for (; at + 8 <= len; at += 8)
		h = hash_pair(h, load(data + at, 8));
	key.hash = hash_pair(h, load(data + at, len - at) ^ (uint64_t)len << 56) | 1;
	return key;
}

const struct repeat *repeats_find(const struct repeats *r, const struct repeats_key *key)
{
	const struct repeats_entry *e = &r->entries[(key->hash >> 32) % REPEATS_ENTRIES];

	if (!key->hash || e->hash != key->hash || e->port != key->port || e->len != key->len
	    || (key->len > 0 && memcmp(e->bytes, key->data, key->len) != 0))
		return NULL;
	return &e->repeat;
}

void repeats_keep(struct repeats *r, const struct repeats_key *key, const struct repeat *repeat)
{
	struct repeats_entry *e = &r->entries[(key->hash >> 32) % REPEATS_ENTRIES];

	if (!key->hash || repeat->other)
		return;
	if (e->waiting != key->hash) {
		e->waiting = key->hash;
		return;
	}
	e->waiting = 0;
	e->hash = key->hash;
	e->port = key->port;
	e->len = (uint16_t)key->len;
	e->repeat = *repeat;
	if (key->len > 0)
		memcpy(e->bytes, key->data, key->len);
}
