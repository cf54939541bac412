/*
 * The distinct values of a part of a column, in order of their first appearance, and for each
 * row its value's position: what dictionary encoding needs.  It gives up early where values hardly
 * repeat, and where somebody chose values that meet in the hash table.
 */
#pragma once

#include "record/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISTINCT_MAX (1u << 14)        /* values */
#define DISTINCT_SLOTS (1u << 16)
#define DISTINCT_TEXT_MAX (1u << 20) /* bytes of texts */

struct distinct {
	size_t count;
	size_t bytes; /* of texts */
	union {
		uint64_t values[DISTINCT_MAX];
		struct record_text texts[DISTINCT_MAX];
	};
	uint16_t slots[DISTINCT_SLOTS]; /* position + 1 */
};

/*
 * False: not worth it, or too many.  positions has room for count.  least and most are the ends of
 * the values' range (most - least, as unsigned numbers).
 */
bool distinct_values(struct distinct *distinct, const uint64_t *values, size_t count,
    uint64_t least, uint64_t most, uint16_t *positions);

/* The texts are borrowed as long as the result is used. */
bool distinct_texts(struct distinct *distinct, const struct record_text *texts, size_t count,
    uint16_t *positions);
