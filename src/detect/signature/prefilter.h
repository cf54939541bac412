/*
 * Many contents at once: which rules of a group are worth matching against these bytes.
 * Private to detect/.
 *
 * One content of each rule, its rarest looking, goes into the group's database (Hyperscan's
 * interface, implemented by vectorscan); a hit makes the rule a candidate, nothing more.
 */
#pragma once

#include "detect/signature/rule.h"

#include <hs/hs.h>

/* Rule numbers without repetition, taken out in the order of matching. */
struct candidates {
	uint64_t *seen; /* bit per rule */
	uint32_t low;   /* words outside low to high are zero */
	uint32_t high;
	uint32_t words;
};

ST_MUST_CHECK int candidates_init(struct candidates *c, size_t rules);
void candidates_fini(struct candidates *c);
/* The first rule, taken out; false: there is none. */
bool candidates_take(struct candidates *c, uint32_t *ret_rule);

static inline void candidates_add(struct candidates *c, uint32_t rule)
{
	uint32_t word = rule >> 6;

	c->seen[word] |= 1ull << (rule & 63);
	c->low = word < c->low ? word : c->low;
	c->high = word > c->high ? word : c->high;
}

struct prefilter;

/* Adds a rule's fast content to a group that is being made; *group starts as NULL. */
ST_MUST_CHECK int prefilter_add(struct prefilter **group, const struct rule *rule);
/* Compiles the group; *scratch grows to what it needs. */
ST_MUST_CHECK int prefilter_finish(struct prefilter *group, hs_scratch_t **scratch, struct err *err);
void prefilter_free(struct prefilter *group);

/* NULL groups have no hits. */
void prefilter_scan(const struct prefilter *group, hs_scratch_t *scratch, const uint8_t *data,
    size_t len, struct candidates *c);
