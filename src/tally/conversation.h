/*
 * A bounded memory of conversations, to tell backscatter from replies and follow-ups.
 *
 * Four conversations share a cache line; the one that was quiet longest gives way.  IPv4
 * conversations are compared in full, IPv6 ones by 96 bits of a hash.  What has been forgotten
 * makes a reply look like backscatter, never the other way round.
 */
#pragma once

#include "base/ip.h"

#include <stdbool.h>
#include <stdint.h>

struct conversation_memory;

enum conversation_state {
	CONVERSATION_SEEN_AHEAD = 1 << 0,  /* a packet in this direction was seen before */
	CONVERSATION_SEEN_BACK = 1 << 1,   /* a packet in the opposite direction was seen before */
	CONVERSATION_OPENED_HERE = 1 << 2, /* this direction's sender opened it by a request */
	CONVERSATION_OPENED_THERE = 1 << 3,
};

/* One packet's end points; ports are 0 where the protocol has none. */
struct conversation_key {
	struct ip src;
	struct ip dst;
	uint16_t sport;
	uint16_t dport;
	uint8_t proto;
};

ST_MUST_CHECK int conversation_new(struct conversation_memory **ret_memory);
void conversation_free(struct conversation_memory *memory);

/* Has anything been remembered?  A darknet's packets are never answered: nothing to look for. */
bool conversation_any(const struct conversation_memory *memory);

/* Asks the cache for what the other two will read. */
void conversation_prefetch(const struct conversation_memory *memory,
    const struct conversation_key *key);

/* What is known, seen from this packet's sender (enum conversation_state). */
unsigned conversation_look(const struct conversation_memory *memory,
    const struct conversation_key *key);

/*
 * Remembers this direction (and, when it opens the conversation, that) at a time in seconds;
 * returns what was known before.
 */
unsigned conversation_note(struct conversation_memory *memory, const struct conversation_key *key,
    bool opens, uint32_t seconds);
