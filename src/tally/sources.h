/*
 * Every source of a run, and its packets by port.
 *
 * Private to the summary.  Sources lie densely in the order they came and are known by their
 * number, from 1; an index of 32-bit words finds them.  One cache line has all there is to know of
 * most: they ask few ports and use one tool.  Packets by further ports are in a table of 64-bit
 * words, further evidence in an array.  All are far larger than the cache and read at random, so a
 * look-up has steps in which many rows can wait for memory together: ask for the index word, ask
 * for the source, ask for the pair.  Nothing moves between the steps as long as there is room
 * (sources_reserve).
 */
#pragma once

#include "base/choose.h"
#include "base/ip.h"
#include "base/prefetch.h"
#include "fingerprint/tools.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Ports of all protocols in one row of slots: TCP, UDP, then 256 slots for each IP protocol (an
 * ICMP type fits, other protocols have port 0).
 */
#define SLOT_UDP 65536u
#define SLOT_OTHER 131072u
#define SLOTS (SLOT_OTHER + 65536u)
#define SLOT_BITS 18
#define SLOT_MASK ((1u << SLOT_BITS) - 1)

/* A pair's word: number of the source (25 bits), slot (18), packets (21). */
#define PAIR_COUNT_BITS 21
#define PAIR_COUNT_MAX ((1u << PAIR_COUNT_BITS) - 1)

/* A pair is at most so far behind the word that its hash chooses: who makes pairs that all choose
 * the same one is refused, not looked for ever.  At the load that is allowed none comes near. */
#define PAIR_FAR_MAX 1024u

/* An index word: number of the source below, bits of the hash above. */
#define SOURCES_NUMBER_BITS 25
#define SOURCES_NUMBER_MASK ((1u << SOURCES_NUMBER_BITS) - 1)
#define SOURCES_MAX SOURCES_NUMBER_MASK

static inline uint32_t slot_of(uint8_t proto, uint16_t port)
{
	if (proto == 6)
		return port;
	if (proto == 17)
		return SLOT_UDP + port;
	return SLOT_OTHER + ((uint32_t)proto << 8 | (port & 0xffu));
}

static inline uint8_t slot_proto(uint32_t slot)
{
	return slot < SLOT_UDP ? 6 : slot < SLOT_OTHER ? 17 : (uint8_t)((slot - SLOT_OTHER) >> 8);
}

static inline uint16_t slot_port(uint32_t slot)
{
	return slot < SLOT_OTHER ? (uint16_t)slot : (uint16_t)((slot - SLOT_OTHER) & 0xff);
}

#define SOURCE_DST_SEVERAL UINT32_MAX
#define SOURCE_V4 (1ull << 32) /* of a key: an IPv4 address is below, else an IPv6 number */

/* A source's own pairs: slot above, packets below (more than any run has); 0 = free. */
#define SOURCE_PAIRS 3
#define SOURCE_PAIR_COUNT_BITS 46
#define SOURCE_PAIR_COUNT_MAX ((1ull << SOURCE_PAIR_COUNT_BITS) - 1)

struct source {
	uint64_t key;
	uint64_t access;
	uint64_t pairs[SOURCE_PAIRS]; /* of the first ports it asked */
	uint32_t pair_keys[2];
	uint32_t dst;      /* index + 1 of the one address it asked; SOURCE_DST_SEVERAL; 0: none */
	uint32_t evidence; /* position + 1; 0: none but the next two */
	uint32_t matches;  /* SYNs that match … */
	uint16_t rules;    /* … all of these, while no others match any */
	bool talks;        /* it also sent what is no access */
};
_Static_assert(sizeof(struct source) == 64, "one cache line");
_Static_assert(TOOLS_RULES_MAX <= 16, "rules fit 16 bits");

/* In a cache line of its own. */
struct source_evidence {
	_Alignas(64) struct tools_evidence tools;
};

/* Packets of pairs whose word ran over. */
struct pair_overflow {
	uint32_t number;
	uint32_t slot;
	uint64_t packets;
};

struct sources {
	struct source *list; /* number - 1 */
	uint32_t count;
	uint32_t capacity;
	uint32_t *index; /* like pairs, with address space for all there can be: they grow in place */
	unsigned index_shift; /* 64 - bits of the hash that choose the word */
	unsigned index_shift_min;
	unsigned pair_shift;
	unsigned pair_shift_min;
	uint64_t *pairs; /* from sources_close on the first pair_count, in any order */
	uint32_t pair_count;
	uint32_t overflow_count;
	uint32_t overflow_capacity;
	uint32_t evidence_count;
	uint32_t evidence_capacity;
	struct pair_overflow *overflow;
	struct source_evidence *evidence;
};

/* For at most count_max (≤ SOURCES_MAX) sources. */
ST_MUST_CHECK int sources_init(struct sources *s, uint32_t count_max);
void sources_fini(struct sources *s);

/* Makes room for so many more sources and pairs as far as there may be more; false: no memory. */
bool sources_reserve(struct sources *s, uint32_t more);

/* One multiplication spreads keys over the upper bits (Knuth, TAOCP 3, 6.4); which one it is tells
 * the key itself. */
static inline uint64_t sources_hash(uint64_t key)
{
	return key * 0x9e3779b97f4a7c15ull;
}

static inline uint32_t sources_tag(uint64_t hash)
{
	return (uint32_t)hash & ~SOURCES_NUMBER_MASK;
}

PREFETCH_HELPER void sources_prefetch(const struct sources *s, uint64_t key)
{
	__builtin_prefetch(&s->index[sources_hash(key) >> s->index_shift]);
}

/* So many words from the hash's on are passed without branches, as in a minute's table. */
#define SOURCES_STEPS 1

/* Where the key is in the index, as far as hash and SOURCES_STEPS can tell, or where it belongs; asks
 * for the source. */
static inline uint32_t sources_seek(const struct sources *s, uint64_t key)
{
	uint64_t hash = sources_hash(key);
	uint32_t tag = sources_tag(hash);
	uint32_t mask = (uint32_t)(UINT64_MAX >> s->index_shift);
	uint32_t at = (uint32_t)(hash >> s->index_shift);
	uint32_t word = s->index[at];
	uint32_t number;

	for (int i = 0; i < SOURCES_STEPS; i++) {
		at = (at + ((word != 0) & ((word ^ tag) > SOURCES_NUMBER_MASK))) & mask;
		word = s->index[at];
	}
	number = choose_u32(word != 0, (word & SOURCES_NUMBER_MASK) - 1, s->count);
	__builtin_prefetch(&s->list[number], 1);
	return at;
}

/* The source of the key, from the place that sources_seek found; a new one at first sight, NULL at
 * the bound. */
static inline struct source *sources_enter(struct sources *s, uint64_t key, uint32_t at)
{
	uint32_t tag = sources_tag(sources_hash(key));
	uint32_t mask = (uint32_t)(UINT64_MAX >> s->index_shift);
	struct source *source;

	for (uint32_t word = s->index[at]; word; word = s->index[at]) {
		source = &s->list[(word & SOURCES_NUMBER_MASK) - 1];
		if ((word & ~SOURCES_NUMBER_MASK) == tag && source->key == key)
			return source;
		at = (at + 1) & mask;
	}
	if (s->count == s->capacity)
		return NULL;
	source = &s->list[s->count++];
	source->key = key;
	s->index[at] = tag | s->count;
	return source;
}

/* Gives the source evidence of its own, which begins with what it has; false when memory is out.
 * Evidence moves. */
bool sources_new_evidence(struct sources *s, struct source *source);

/* Adds packets that match these rules.  False when memory is out. */
static inline bool sources_add_evidence(struct sources *s, struct source *source, uint32_t packets,
    uint32_t rules)
{
	bool own = (source->evidence == 0) & ((source->matches == 0) | (source->rules == rules));

	if (own | (rules == 0)) {
		uint64_t matches = (uint64_t)source->matches + choose_u32(rules != 0, packets, 0);

		source->rules = (uint16_t)choose_u32(rules != 0, rules, source->rules);
		source->matches = matches < UINT32_MAX ? (uint32_t)matches : UINT32_MAX;
		return true;
	}
	if (!source->evidence && !sources_new_evidence(s, source))
		return false;
	tools_evidence_add(&s->evidence[source->evidence - 1].tools, packets, rules);
	return true;
}

/* The tools that the source's evidence supports: see tools_judge. */
static inline uint32_t sources_judge(const struct sources *s, const struct source *source,
    const struct tools *tools)
{
	if (source->evidence)
		return tools_judge(tools, &s->evidence[source->evidence - 1].tools, source->access);
	return tools_judge_alike(tools, source->rules, source->matches, source->access);
}

/*
 * Adds packets to one of the source's own pairs; false when the port is none of those and there is no
 * place for it.  Without branches: which port comes nobody could foretell.
 */
static inline bool sources_count_own(struct source *source, uint32_t slot, uint32_t packets)
{
	uint64_t spare = 0;
	uint64_t *places[2] = {&spare, NULL};
	unsigned at = 0;
	unsigned other = 1;
	bool is_own;

	for (unsigned i = 0; i < SOURCE_PAIRS; i++) {
		uint64_t own = source->pairs[i];

		other &= (own != 0) & (own >> SOURCE_PAIR_COUNT_BITS != slot);
		at += other;
	}
	is_own = at < SOURCE_PAIRS;
	places[1] = &source->pairs[at % SOURCE_PAIRS];
	*places[is_own] = ((uint64_t)slot << SOURCE_PAIR_COUNT_BITS)
	    | ((*places[is_own] & SOURCE_PAIR_COUNT_MAX) + packets);
	return is_own;
}

static inline uint64_t pair_of(const struct sources *s, const struct source *source, uint32_t slot)
{
	return (uint64_t)(source - s->list + 1) << SLOT_BITS | slot;
}

PREFETCH_HELPER void pair_prefetch(const struct sources *s, uint64_t pair)
{
	__builtin_prefetch(&s->pairs[sources_hash(pair) >> s->pair_shift], 1);
}

/* Packets beyond what a pair's word can count; false when memory is out. */
bool sources_add_overflow(struct sources *s, uint64_t pair, uint64_t packets);

/* Adds packets to a pair, a new one unless there are count_max of them; false when it could not be
 * counted. */
static inline bool pair_count(struct sources *s, uint64_t pair, uint32_t packets,
    uint32_t count_max)
{
	size_t home = (size_t)(sources_hash(pair) >> s->pair_shift);
	size_t at = home;
	uint64_t word;

	for (word = s->pairs[at]; word && word >> PAIR_COUNT_BITS != pair; word = s->pairs[at])
		at++;
	if (!word) {
		if (s->pair_count >= count_max || at - home >= PAIR_FAR_MAX)
			return false;
		s->pair_count++;
		word = pair << PAIR_COUNT_BITS;
	}
	if ((word & PAIR_COUNT_MAX) + packets <= PAIR_COUNT_MAX)
		s->pairs[at] = word + packets;
	else if (sources_add_overflow(s, pair, (word & PAIR_COUNT_MAX) + packets))
		s->pairs[at] = pair << PAIR_COUNT_BITS;
	else
		return false;
	return true;
}

/* Nothing is counted any more, and pairs lie together: before they are walked. */
void sources_close(struct sources *s);

/* Adds the packets and the number of sources of all pairs to their slots. */
void sources_count_ports(const struct sources *s, uint64_t packets[SLOTS], uint32_t counts[SLOTS]);

typedef void (*pair_walk_fn)(void *arg, uint32_t number, uint32_t slot, uint64_t packets);

/* Calls back for every pair, possibly several times for one: the packets add up. */
static inline void pair_walk(const struct sources *s, pair_walk_fn each, void *arg)
{
	for (uint32_t n = 0; n < s->count; n++) {
		const uint64_t *own = s->list[n].pairs;

		for (unsigned i = 0; i < SOURCE_PAIRS && own[i]; i++)
			each(arg, n + 1, (uint32_t)(own[i] >> SOURCE_PAIR_COUNT_BITS),
			    own[i] & SOURCE_PAIR_COUNT_MAX);
	}
	for (uint32_t i = 0; i < s->pair_count; i++) {
		uint64_t pair = s->pairs[i] >> PAIR_COUNT_BITS;

		each(arg, (uint32_t)(pair >> SLOT_BITS), (uint32_t)pair & SLOT_MASK,
		    s->pairs[i] & PAIR_COUNT_MAX);
	}
	for (uint32_t i = 0; i < s->overflow_count; i++)
		each(arg, s->overflow[i].number, s->overflow[i].slot, s->overflow[i].packets);
}
