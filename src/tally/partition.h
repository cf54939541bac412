/*
 * One partition of the summary's sources: rows put aside, and tables sized to fit the cache.
 *
 * Private to the summary.
 */
#pragma once

#include "base/ip.h"
#include "fingerprint/tools.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARTITION_BITS 9
#define PARTITIONS (1u << PARTITION_BITS)
#define COUNTRIES (26u * 26u)
#define ASIDE_BLOCK_ROWS 512u

/*
 * Ports of all protocols in one row of slots: TCP, UDP, then 256 slots for each IP protocol (an
 * ICMP type fits, other protocols have port 0).
 */
#define SLOT_UDP 65536u
#define SLOT_OTHER 131072u
#define SLOTS (SLOT_OTHER + 65536u)
#define SLOT_BITS 18
#define SLOT_MASK ((1u << SLOT_BITS) - 1)

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

struct port_count {
	uint64_t packets;
	uint64_t mirai;
	uint64_t sources;
};

/* 0 … COUNTRIES - 1, the last being ZZ. */
static inline unsigned country_number(const char code[2])
{
	if (code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z')
		return COUNTRIES - 1;
	return (unsigned)(code[0] - 'A') * 26 + (unsigned)(code[1] - 'A');
}

/* One row of the tally, put aside. */
struct aside {
	uint32_t source; /* IPv4 address, or number of an IPv6 address */
	uint32_t slot;   /* and the flags below */
	uint32_t packets;
	uint32_t pair_keys[2];
	uint32_t rules;
};
#define ASIDE_V6 (1u << 18)
#define ASIDE_ACCESS (1u << 19)
#define ASIDE_SYN (1u << 20)
#define ASIDE_MARKED (1u << 21)

struct aside_block {
	struct aside_block *next;
	uint32_t count;
	struct aside rows[ASIDE_BLOCK_ROWS];
};

/* A source in its hash slot.  key: bit 32 set and the IPv4 address, or the IPv6 number. */
struct source {
	uint64_t key; /* 0 = free */
	uint64_t access;
	uint32_t pair_keys[2];
	uint32_t evidence; /* position + 1, 0 = none */
	uint32_t country;
};

static inline uint64_t aside_key(const struct aside *a)
{
	return a->slot & ASIDE_V6 ? a->source : 1ull << 32 | a->source;
}

static inline uint64_t hash_source_key(uint64_t key)
{
	return key * 0x9e3779b97f4a7c15ull;
}

/* By the upper bits of an IPv4 address, so that a partition's places lie together in the geo table
 * as well. */
static inline unsigned partition_of(const struct aside *a)
{
	return a->slot & ASIDE_V6 ? a->source % PARTITIONS : a->source >> (32 - PARTITION_BITS);
}

/* Packets of (source, port) pairs whose word ran over. */
struct pair_overflow {
	uint64_t key;
	uint32_t slot;
	uint64_t packets;
};

struct partition {
	struct aside_block *first;
	struct aside_block *last;
	struct aside_block *spare; /* emptied blocks */
	struct source *sources;
	uint32_t source_size; /* slots, a power of two, or 0 */
	uint32_t source_count;
	uint64_t *pairs; /* key (33 bits), slot (18), packets (13) */
	uint32_t pair_size;
	uint32_t pair_count;
	struct pair_overflow *overflow;
	uint32_t overflow_count;
	uint32_t overflow_capacity;
	struct tools_evidence *evidence;
	uint32_t evidence_count;
	uint32_t evidence_capacity;
};

void partition_fini(struct partition *p);

/* The slow way of partition_aside: begins another block. */
struct aside *partition_aside_more(struct partition *p);

/* Room for one more row put aside, or NULL. */
static inline struct aside *partition_aside(struct partition *p)
{
	struct aside_block *b = p->last;

	if (b && b->count < ASIDE_BLOCK_ROWS)
		return &b->rows[b->count++];
	return partition_aside_more(p);
}

/* Empties what was put aside, keeping the blocks. */
void partition_forget_aside(struct partition *p);

/* Reads the tables from end to end, so that the cache has them before they are read at random. */
void partition_warm(const struct partition *p);

struct source *partition_find(const struct partition *p, uint64_t key);

/* Adds a source that is not there yet; NULL when memory is out. */
struct source *partition_insert(struct partition *p, uint64_t key);

/* The source's evidence, made when missing; NULL when memory is out. */
struct tools_evidence *partition_evidence(struct partition *p, struct source *source);

enum pair_result {
	PAIR_KNOWN,
	PAIR_NEW,
	PAIR_REFUSED, /* not allowed to add one, or out of memory */
};

enum pair_result partition_count_pair(struct partition *p, uint64_t key, uint32_t slot,
    uint32_t packets, bool may_add);

typedef void (*partition_walk_fn)(void *arg, const struct source *source, uint32_t slot,
    uint64_t packets);

/* Calls back for every pair, possibly several times for one: the packets add up. */
void partition_walk(const struct partition *p, partition_walk_fn each, void *arg);
