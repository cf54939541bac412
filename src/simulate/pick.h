/*
 * Weighted choice in constant time: an alias table with integer weights.
 *
 * After Vose, "A linear algorithm for generating random numbers with a given distribution"
 * (1991), in fixed point, so that tables are equal on every machine.
 */
#pragma once

#include "base/status.h"
#include "simulate/rng.h"

#include <stddef.h>
#include <stdint.h>

#define PICK_ENTRIES_MAX (1u << 20)

struct pick_entry {
	uint32_t keep; /* of 2^32: how often the entry itself is taken, else its alias */
	uint32_t alias;
};

struct pick {
	struct pick_entry *entries;
	uint32_t count;
};

/* Weights are relative; their sum must be positive.  -ENOMEM, ST_LIMIT. */
ST_MUST_CHECK int pick_new(const uint64_t *weights, size_t count, struct pick *ret_pick);

/* Ranks 0 … count-1 with weight 1/(rank + 1 + flat): Zipf's law with exponent 1. */
ST_MUST_CHECK int pick_new_zipf(size_t count, uint32_t flat, struct pick *ret_pick);

/* Releases a table or a zeroed one. */
void pick_fini(struct pick *pick);

static inline uint32_t pick_noise(const struct pick *pick, uint64_t noise)
{
	uint32_t slot = rng_scale(noise, pick->count);
	uint32_t coin = (uint32_t)rng_mix(noise);

	return coin < pick->entries[slot].keep ? slot : pick->entries[slot].alias;
}

static inline uint32_t pick_draw(const struct pick *pick, struct rng *rng)
{
	return pick_noise(pick, rng_u64(rng));
}
