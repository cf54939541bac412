/* The memory of conversations; the contract is in conversation.h. */
#include "tally/conversation.h"

#include "base/hash.h"
#include "base/large.h"

#include <errno.h>

#define BUCKETS (1u << 18)
#define WAYS 4

/* Bits of `state`, in terms of the two ends in canonical order. */
#define SEEN_LOW 1u     /* a packet sent by the lower end */
#define SEEN_HIGH 2u
#define OPENED_LOW 4u
#define OPENED_HIGH 8u

struct entry {
	uint64_t ends; /* addresses: low end in the upper half */
	uint32_t ports;
	uint8_t proto; /* 0 = free */
	uint8_t state;
	uint16_t age; /* 4-second steps, wrapping after three days */
};
_Static_assert(sizeof(struct entry) == 16, "four entries fill a cache line");

struct conversation_memory {
	struct entry buckets[BUCKETS][WAYS];
	bool any;
};

struct place {
	uint64_t ends;
	uint32_t ports;
	uint8_t proto;
	bool from_low;
	uint32_t bucket;
};

int conversation_new(struct conversation_memory **ret_memory)
{
	struct conversation_memory *memory = large_alloc(sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	*ret_memory = memory;
	return ST_OK;
}

void conversation_free(struct conversation_memory *memory)
{
	large_free(memory, sizeof(*memory));
}

bool conversation_any(const struct conversation_memory *memory)
{
	return memory->any;
}

static inline struct place find_place(const struct conversation_key *key)
{
	struct place p = {.proto = key->proto ? key->proto : 255};
	uint64_t src;
	uint64_t dst;

	if (ip_is_v4(key->src) && ip_is_v4(key->dst)) {
		src = (uint64_t)ip_v4(key->src) << 16 | key->sport;
		dst = (uint64_t)ip_v4(key->dst) << 16 | key->dport;
		p.from_low = src < dst;
		p.ends = p.from_low ? (src >> 16) << 32 | dst >> 16 : (dst >> 16) << 32 | src >> 16;
		p.ports = p.from_low ? (uint32_t)key->sport << 16 | key->dport
		                     : (uint32_t)key->dport << 16 | key->sport;
	} else {
		src = hash_pair(hash_pair(key->src.hi, key->src.lo), key->sport);
		dst = hash_pair(hash_pair(key->dst.hi, key->dst.lo), key->dport);
		p.from_low = src < dst;
		p.ends = p.from_low ? hash_pair(src, dst) : hash_pair(dst, src);
		p.ports = (uint32_t)(src + dst);
	}
	p.bucket = (uint32_t)hash_pair(p.ends, (uint64_t)p.ports << 8 | p.proto) & (BUCKETS - 1);
	return p;
}

static inline unsigned describe(unsigned state, bool from_low)
{
	unsigned ahead = from_low ? SEEN_LOW : SEEN_HIGH;
	unsigned back = from_low ? SEEN_HIGH : SEEN_LOW;
	unsigned here = from_low ? OPENED_LOW : OPENED_HIGH;
	unsigned there = from_low ? OPENED_HIGH : OPENED_LOW;

	return (state & ahead ? CONVERSATION_SEEN_AHEAD : 0u)
	    | (state & back ? CONVERSATION_SEEN_BACK : 0u)
	    | (state & here ? CONVERSATION_OPENED_HERE : 0u)
	    | (state & there ? CONVERSATION_OPENED_THERE : 0u);
}

static inline bool matches(const struct entry *e, const struct place *p)
{
	return e->proto == p->proto && e->ends == p->ends && e->ports == p->ports;
}

void conversation_prefetch(const struct conversation_memory *memory,
    const struct conversation_key *key)
{
	struct place p = find_place(key);

	__builtin_prefetch(memory->buckets[p.bucket]);
}

unsigned conversation_look(const struct conversation_memory *memory,
    const struct conversation_key *key)
{
	struct place p = find_place(key);

	for (unsigned i = 0; i < WAYS; i++) {
		const struct entry *e = &memory->buckets[p.bucket][i];

		if (matches(e, &p))
			return describe(e->state, p.from_low);
	}
	return 0;
}

unsigned conversation_note(struct conversation_memory *memory, const struct conversation_key *key,
    bool opens, uint32_t seconds)
{
	struct place p = find_place(key);
	struct entry *bucket = memory->buckets[p.bucket];
	uint16_t age = (uint16_t)(seconds >> 2);
	struct entry *victim = &bucket[0];
	unsigned seen = p.from_low ? SEEN_LOW : SEEN_HIGH;
	unsigned opened = p.from_low ? OPENED_LOW : OPENED_HIGH;

	memory->any = true;
	for (unsigned i = 0; i < WAYS; i++) {
		struct entry *e = &bucket[i];

		if (matches(e, &p)) {
			unsigned before = describe(e->state, p.from_low);

			if (opens && !(e->state & (OPENED_LOW | OPENED_HIGH)))
				e->state |= (uint8_t)opened;
			e->state |= (uint8_t)seen;
			e->age = age;
			return before;
		}
		if (victim->proto == 0)
			continue;
		if (e->proto == 0 || (uint16_t)(age - e->age) > (uint16_t)(age - victim->age))
			victim = e;
	}
	*victim = (struct entry){
		.ends = p.ends,
		.ports = p.ports,
		.proto = p.proto,
		.state = (uint8_t)(seen | (opens ? opened : 0)),
		.age = age,
	};
	return 0;
}
