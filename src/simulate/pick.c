/*
 * Builds alias tables.  All arithmetic is on integers; the rounding error of an entry is below
 * 2^-32 of the whole.
 */
#include "simulate/pick.h"

#include <errno.h>
#include <stdlib.h>

#define PICK_ONE (1ull << 32)
#define PICK_ZIPF_UNIT (1ull << 40)

/* Scales the weights to a mean of PICK_ONE, in 128 bits because weight × count may be large. */
static int pick_scale(const uint64_t *weights, size_t count, uint64_t *scaled)
{
	unsigned __int128 sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += weights[i];
	if (sum == 0)
		return ST_LIMIT;
	for (size_t i = 0; i < count; i++)
		scaled[i] = (uint64_t)((unsigned __int128)weights[i] * count * PICK_ONE / sum);
	return ST_OK;
}

/*
 * Pairs each light entry with a heavy one that fills the rest of its slot.  `stack` holds the
 * light entries from the bottom and the heavy ones from the top.
 */
static void pick_pair(struct pick_entry *entries, uint64_t *scaled, uint32_t *stack, size_t count)
{
	size_t light = 0;
	size_t heavy = count;

	for (size_t i = 0; i < count; i++) {
		if (scaled[i] < PICK_ONE)
			stack[light++] = (uint32_t)i;
		else
			stack[--heavy] = (uint32_t)i;
	}
	while (light > 0 && heavy < count) {
		uint32_t l = stack[--light];
		uint32_t h = stack[heavy];

		entries[l] = (struct pick_entry){.keep = (uint32_t)scaled[l], .alias = h};
		scaled[h] -= PICK_ONE - scaled[l];
		if (scaled[h] < PICK_ONE) {
			heavy++;
			stack[light++] = h;
		}
	}
	/* What is left is full but for rounding: it is its own alias. */
	while (light > 0) {
		uint32_t l = stack[--light];
		entries[l] = (struct pick_entry){.keep = UINT32_MAX, .alias = l};
	}
	for (; heavy < count; heavy++) {
		uint32_t h = stack[heavy];
		entries[h] = (struct pick_entry){.keep = UINT32_MAX, .alias = h};
	}
}

int pick_new(const uint64_t *weights, size_t count, struct pick *ret_pick)
{
	struct pick_entry *entries = NULL;
	uint64_t *scaled = NULL;
	uint32_t *stack = NULL;
	int rc = ST_LIMIT;

	if (count == 0 || count > PICK_ENTRIES_MAX)
		goto out;
	rc = -ENOMEM;
	entries = calloc(count, sizeof *entries);
	scaled = calloc(count, sizeof *scaled);
	stack = calloc(count, sizeof *stack);
	if (!entries || !scaled || !stack)
		goto out;
	rc = pick_scale(weights, count, scaled);
	if (rc)
		goto out;
	pick_pair(entries, scaled, stack, count);
	*ret_pick = (struct pick){.entries = entries, .count = (uint32_t)count};
	entries = NULL;
out:
	free(entries);
	free(scaled);
	free(stack);
	return rc;
}

int pick_new_zipf(size_t count, uint32_t flat, struct pick *ret_pick)
{
	uint64_t *weights = NULL;
	int rc;

	if (count == 0 || count > PICK_ENTRIES_MAX)
		return ST_LIMIT;
	weights = calloc(count, sizeof *weights);
	if (!weights)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		weights[i] = PICK_ZIPF_UNIT / (i + 1 + flat);
	rc = pick_new(weights, count, ret_pick);
	free(weights);
	return rc;
}

void pick_fini(struct pick *pick)
{
	free(pick->entries);
	*pick = (struct pick){0};
}
