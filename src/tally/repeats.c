/* What the same datagram did before; the contract is in repeats.h. */
#include "tally/repeats.h"

#include "base/hash.h"

#include <string.h>

static uint64_t load(const uint8_t *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return word;
}

static uint64_t load_short(const uint8_t *data, size_t len)
{
	uint64_t word = 0;

	for (size_t i = 0; i < len; i++)
		word = word << 8 | data[i];
	return word;
}

/* Enough to find a place by: both ends and the middle.  Bytes are compared in full afterwards. */
struct repeats_key repeats_key_of(uint16_t port, const uint8_t *data, size_t len)
{
	struct repeats_key key = {.data = data, .len = len, .port = port};
	uint64_t h = port ^ (uint64_t)len << 56;

	if (len > REPEATS_BYTES_MAX)
		return key;
	if (len < 8) {
		h = hash_pair(h, load_short(data, len));
	} else {
		const uint8_t *end = data + len - 8;

		h = hash_pair(h ^ load(data), load(end));
		if (len > 16) {
			const uint8_t *middle = data + (len - 16) / 2;

			h = hash_pair(h ^ load(middle), load(middle + 8));
		}
		if (len > 32)
			h = hash_pair(h ^ load(data + 8), load(end - 8));
	}
	key.hash = h | 1;
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

static size_t place_of(const struct repeats_key *key)
{
	return (key->hash >> 32) % REPEATS_ENTRIES;
}

const struct repeat *repeats_find(const struct repeats *r, const struct repeats_key *key)
{
	size_t place = place_of(key);
	const struct repeats_entry *e = &r->entries[place];

	if (!key->hash || r->hashes[place] != key->hash || e->port != key->port || e->len != key->len
	    || (key->len > 0 && memcmp(e->bytes, key->data, key->len) != 0))
		return NULL;
	return &e->repeat;
}

void repeats_keep(struct repeats *r, const struct repeats_key *key, const struct repeat *repeat)
{
	size_t place = place_of(key);
	struct repeats_entry *e = &r->entries[place];

	if (!key->hash || repeat->other)
		return;
	if (r->waiting[place] != key->hash) {
		r->waiting[place] = key->hash;
		return;
	}
	r->waiting[place] = 0;
	r->hashes[place] = key->hash;
	e->port = key->port;
	e->len = (uint16_t)key->len;
	e->repeat = *repeat;
	if (key->len > 0)
		memcpy(e->bytes, key->data, key->len);
}
