/*
 * Which edition of a rule set this is: enough to tell one from another in a report.
 */
#pragma once

#include "detect/signatures.h"

#include <stddef.h>
#include <stdint.h>

struct ruleset_edition {
	char digest[17]; /* of all texts in their order; no protection against anybody */
	int32_t updated; /* newest "updated_at" in a rule's metadata, days since 1970; 0: none */
};

void ruleset_edition_find(const struct signatures_text *texts, size_t count,
    struct ruleset_edition *ret_edition);
