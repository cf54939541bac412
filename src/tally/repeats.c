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
	for (; at + 16 <= len; at += 16)
		h = hash_pair(h ^ load(data + at, 8), load(data + at + 8, 8));
	if (at + 8 <= len) {
		h = hash_pair(h, load(data + at, 8));
		at += 8;
	}
	key.hash = hash_pair(h, load(data + at, len - at) ^ (uint64_t)len << 56) | 1;
	return key;
}

void repeat_login(struct repeat *repeat, const char *user, size_t user_len, const char *password,
    size_t password_len)
{
	if (repeat->has_login || user_len > REPEATS_LOGIN_MAX
	    || password_len > REPEATS_LOGIN_MAX - user_len) {
		repeat->other = true;
		return;
	}
	repeat->has_login = true;
	repeat->user_len = (uint8_t)user_len;
	repeat->password_len = (uint8_t)password_len;
	if (user_len)
		memcpy(repeat->login, user, user_len);
	if (password_len)
		memcpy(repeat->login + user_len, password, password_len);
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
