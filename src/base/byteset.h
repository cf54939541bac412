/* A set of byte values, for loops that ask of every byte whether it begins something. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Zero is the empty set. */
struct byteset {
	uint64_t words[4];
};

static inline void byteset_add(struct byteset *set, uint8_t byte)
{
	set->words[byte / 64] |= 1ull << byte % 64;
}

static inline bool byteset_has(const struct byteset *set, uint8_t byte)
{
	return set->words[byte / 64] >> byte % 64 & 1;
}
