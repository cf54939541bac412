/*
 * One list of matches against one buffer: order, distances, numbers.  Private to detect/.
 *
 * The prefilter says which rules are worth a look; this says whether they match.  Where a content
 * that others count from occurs again, the others are tried from there, so the effort is bounded:
 * after MATCH_STEPS_MAX steps a list does not match.
 */
#pragma once

#include "detect/signature/rule.h"

#define MATCH_STEPS_MAX 3000u
#define MATCH_BASE64_MAX 65536u

struct matcher {
	uint64_t values[RULE_VALUES_MAX]; /* of the rule that is being matched */
	const uint8_t *data;
	size_t len;
	size_t at; /* end of the last match: what relative ones count from */
	unsigned steps;
	bool hopeless; /* trying again from another place cannot help */
	const struct rule *rule;
	pcre2_match_data *pcre_data;
	pcre2_match_context *pcre_context;
	uint8_t *base64;
};

ST_MUST_CHECK int matcher_init(struct matcher *m);
void matcher_fini(struct matcher *m);

/* Forgets the values of the rule before. */
void matcher_begin(struct matcher *m, const struct rule *rule);

/* True when every match of the list matches.  data may be NULL when len is 0. */
bool matcher_list(struct matcher *m, const struct rule_list *list, const uint8_t *data, size_t len);

bool rule_compare_holds(const struct rule_compare *c, uint64_t n);
