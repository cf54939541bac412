/* Distinct logins of a run; the contract is in logins.h. */
#include "tally/logins.h"

#include "base/hash.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK (256u << 10)
#define FIRST_SLOTS 1024u
#define SHARED 64u

struct chunk {
	struct chunk *next;
	size_t used;
	char text[CHUNK];
};

struct logins {
	struct login_count *list;
	size_t count;
	size_t cap;
	uint32_t *slots; /* index + 1 */
	uint32_t mask;
	struct chunk *chunks;
	struct shared_text {
		const char *text;
		uint16_t len;
	} shared[SHARED]; /* texts kept lately, by hash: most logins are others' again */
	size_t text_bytes;
	uint64_t total;
	uint64_t uncounted;
};

int logins_new(struct logins **ret_logins)
{
	struct logins *l = calloc(1, sizeof(*l));

	if (l)
		l->slots = calloc(FIRST_SLOTS, sizeof(*l->slots));
	if (!l || !l->slots) {
		free(l);
		return -ENOMEM;
	}
	l->mask = FIRST_SLOTS - 1;
	*ret_logins = l;
	return ST_OK;
}

void logins_free(struct logins *l)
{
	if (!l)
		return;
	while (l->chunks) {
		struct chunk *next = l->chunks->next;

		free(l->chunks);
		l->chunks = next;
	}
	free(l->slots);
	free(l->list);
	free(l);
}

static uint64_t hash_of(const struct login_count *key)
{
	uint64_t h = hash_pair(key->source.hi ^ key->protocol, key->source.lo);

	h = hash_pair(h, hash_fnv32(key->user, key->user_len));
	return hash_pair(h, (uint64_t)hash_fnv32(key->password, key->password_len) << 16
	    | key->user_len);
}

static bool same(const struct login_count *a, const struct login_count *b)
{
	return a->protocol == b->protocol && ip_equal(a->source, b->source)
	    && a->user_len == b->user_len && a->password_len == b->password_len
	    && memcmp(a->user, b->user, a->user_len) == 0
	    && memcmp(a->password, b->password, a->password_len) == 0;
}

static const char *keep(struct logins *l, const char *text, uint16_t len)
{
	struct shared_text *shared = &l->shared[hash_fnv32(text, len) % SHARED];
	struct chunk *c = l->chunks;
	char *to;

	if (shared->text && shared->len == len && (len == 0 || memcmp(shared->text, text, len) == 0))
		return shared->text;

	if (!c || CHUNK - c->used < len) {
		c = malloc(sizeof(*c));
		if (!c)
			return NULL;
		c->next = l->chunks;
		c->used = 0;
		l->chunks = c;
	}
	to = c->text + c->used;
	if (len)
		memcpy(to, text, len);
	c->used += len;
	l->text_bytes += len;
	*shared = (struct shared_text){to, len};
	return to;
}

static int grow(struct logins *l)
{
	uint32_t mask = l->mask * 2 + 1;
	uint32_t *slots;

	if (l->count == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 256;
		struct login_count *list = realloc(l->list, cap * sizeof(*list));

		if (!list)
			return -ENOMEM;
		l->list = list;
		l->cap = cap;
	}
	if (l->count * 2 < l->mask)
		return ST_OK;
	slots = calloc((size_t)mask + 1, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < l->count; i++) {
		uint32_t at = (uint32_t)hash_of(&l->list[i]) & mask;

		while (slots[at])
			at = (at + 1) & mask;
		slots[at] = (uint32_t)i + 1;
	}
	free(l->slots);
	l->slots = slots;
	l->mask = mask;
	return ST_OK;
}

int logins_add(struct logins *l, uint16_t protocol, struct ip source, const char *user,
    size_t user_len, const char *password, size_t password_len)
{
	struct login_count key = {
		.source = source,
		.user = user,
		.password = password,
		.user_len = (uint16_t)(user_len < UINT16_MAX ? user_len : UINT16_MAX),
		.password_len = (uint16_t)(password_len < UINT16_MAX ? password_len : UINT16_MAX),
		.protocol = protocol,
	};
	uint32_t at;

	l->total++;
	if (grow(l))
		return -ENOMEM;
	at = (uint32_t)hash_of(&key) & l->mask;
	while (l->slots[at]) {
		struct login_count *found = &l->list[l->slots[at] - 1];

		if (same(found, &key)) {
			found->count++;
			return ST_OK;
		}
		at = (at + 1) & l->mask;
	}
	if (l->count == LOGINS_MAX || l->text_bytes > LOGINS_TEXT_MAX) {
		l->uncounted++;
		return ST_OK;
	}
	key.user = keep(l, user, key.user_len);
	key.password = keep(l, password, key.password_len);
	if (!key.user || !key.password)
		return -ENOMEM;
	key.count = 1;
	l->list[l->count] = key;
	l->slots[at] = (uint32_t)++l->count;
	return ST_OK;
}

size_t logins_count(const struct logins *l)
{
	return l->count;
}

const struct login_count *logins_at(const struct logins *l, size_t i)
{
	return &l->list[i];
}

uint64_t logins_total(const struct logins *l)
{
	return l->total;
}

uint64_t logins_uncounted(const struct logins *l)
{
	return l->uncounted;
}
