/* UDP exchanges without a slot; the contract is in brief.h. */
#include "stream/brief.h"

#include "base/large.h"

#include <errno.h>

#define END_BITS 48
#define END_MASK ((1ull << END_BITS) - 1)
#define BUCKETS_MIN 64u

int brief_init(struct brief *b, uint64_t bytes_max)
{
	uint32_t count = BRIEF_BUCKETS_MAX;

	*b = (struct brief){NULL, 0};
	while (count >= BUCKETS_MIN && (uint64_t)count * sizeof(*b->buckets) > bytes_max)
		count /= 2;
	if (count < BUCKETS_MIN)
		return ST_OK;
	b->buckets = large_alloc((size_t)count * sizeof(*b->buckets));
	if (!b->buckets)
		return -ENOMEM;
	b->bucket_count = count;
	return ST_OK;
}

void brief_fini(struct brief *b)
{
	if (b->buckets)
		large_free(b->buckets, (size_t)b->bucket_count * sizeof(*b->buckets));
	*b = (struct brief){NULL, 0};
}

static uint64_t end_of(struct ip ip, uint16_t port)
{
	return (uint64_t)ip_v4(ip) << 16 | port;
}

struct brief_exchange *brief_find(const struct brief *b, const struct decode_packet *p,
    struct slot_key key, uint32_t over, bool *ret_found)
{
	uint64_t src = end_of(p->src, p->sport);
	uint64_t dst = end_of(p->dst, p->dport);
	uint64_t low = key.src_low ? src : dst;
	uint64_t high = key.src_low ? dst : src;
	struct brief_exchange *place = NULL;
	struct brief_bucket *bucket;

	*ret_found = false;
	if (!b->bucket_count || !ip_is_v4(p->src) || !ip_is_v4(p->dst))
		return NULL;
	bucket = &b->buckets[key.hash & (b->bucket_count - 1)];
	for (unsigned i = 0; i < BRIEF_WAYS; i++) {
		struct brief_exchange *e = &bucket->ways[i];

		if (!brief_is_used(e))
			return place ? place : e; /* used from the front */
		if ((e->low & END_MASK) == low && (e->high & END_MASK) == high) {
			*ret_found = true;
			return e;
		}
		if (!place && seq_diff(over, e->touched) > 0)
			place = e;
	}
	return place;
}

void brief_begin(struct brief_exchange *e, const struct decode_packet *p, struct slot_key key,
    bool client_low)
{
	uint64_t src = end_of(p->src, p->sport);
	uint64_t dst = end_of(p->dst, p->dport);
	uint64_t flags = BRIEF_USED | (client_low ? BRIEF_CLIENT_LOW : 0u);

	e->low = (key.src_low ? src : dst) | flags << END_BITS;
	e->high = key.src_low ? dst : src;
	e->state = 0;
}

void brief_remember(struct brief_exchange *e, struct stream_memory memory)
{
	e->high = (e->high & END_MASK) | (uint64_t)memory.kind << END_BITS;
	e->state = memory.state;
}

void brief_take_off(const struct brief *b, struct brief_exchange *e, uint64_t hash)
{
	struct brief_bucket *bucket = &b->buckets[hash & (b->bucket_count - 1)];
	struct brief_exchange *last = &bucket->ways[BRIEF_WAYS - 1];

	while (!brief_is_used(last))
		last--;
	*e = *last;
	*last = (struct brief_exchange){0};
}
