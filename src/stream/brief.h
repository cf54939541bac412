/*
 * Private to stream/: UDP exchanges that need no slot.
 *
 * Most are one datagram, and nothing of them has to be kept but that they were: two end points, when
 * they spoke last, and a few bytes that the sink remembers.  A bucket is two cache lines; who has
 * been silent for too long is not looked for, the place is used again.  IPv4 only; where there
 * is no place the exchange becomes a stream with a slot.
 */
#pragma once

#include "base/prefetch.h"
#include "stream/slot.h"

#define BRIEF_WAYS 4u
#define BRIEF_BUCKETS_MAX (1u << 17)

enum brief_flag {
	BRIEF_USED = 1 << 0,
	BRIEF_CLIENT_LOW = 1 << 1, /* the client is the lower end point: slot_key.src_low */
};

struct brief_exchange {
	uint64_t low; /* end point: address and port, 48 bits, and enum brief_flag above */
	uint64_t high; /* end point, and memory.kind above */
	int64_t last_us;
	uint32_t touched; /* tick, as slot.touched */
	uint32_t state;   /* memory.state */
};
_Static_assert(sizeof(struct brief_exchange) * BRIEF_WAYS == 128, "two cache lines");

struct brief_bucket {
	_Alignas(64) struct brief_exchange ways[BRIEF_WAYS];
};

struct brief {
	struct brief_bucket *buckets;
	uint32_t bucket_count; /* 0: there is no such memory */
};

/* As many buckets as fit the bytes, none when they are few. */
ST_MUST_CHECK int brief_init(struct brief *brief, uint64_t bytes_max);
void brief_fini(struct brief *brief);

PREFETCH_HELPER void brief_prefetch(const struct brief *brief, uint64_t hash)
{
	const char *line = (const char *)&brief->buckets[hash & (brief->bucket_count - 1)];

	__builtin_prefetch(line, 1);
	__builtin_prefetch(line + 64, 1);
}

/*
 * The packet's exchange, or a place for it: one that is not BRIEF_USED, or else one that was silent
 * since a tick before `over`.  NULL: no place.  *ret_found: it is the packet's, silent or not.
 */
struct brief_exchange *brief_find(const struct brief *brief, const struct decode_packet *packet,
    struct slot_key key, uint32_t over, bool *ret_found);

/* Makes the place the packet's, with a silence that begins now. */
void brief_begin(struct brief_exchange *exchange, const struct decode_packet *packet,
    struct slot_key key, bool client_low);

static inline bool brief_is_used(const struct brief_exchange *exchange)
{
	return exchange->low >> 48 & BRIEF_USED;
}

static inline bool brief_client_low(const struct brief_exchange *exchange)
{
	return exchange->low >> 48 & BRIEF_CLIENT_LOW;
}

static inline struct stream_memory brief_memory(const struct brief_exchange *exchange)
{
	return (struct stream_memory){exchange->state, (uint16_t)(exchange->high >> 48)};
}

void brief_remember(struct brief_exchange *exchange, struct stream_memory memory);

/* Forgets an exchange of that hash. */
void brief_take_off(const struct brief *brief, struct brief_exchange *exchange, uint64_t hash);
