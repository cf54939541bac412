/*
 * What `teiten analyze` concludes from the rows of a run: attacks and the roles of sources.
 */
#pragma once

#include "detect/attack.h"
#include "detect/role.h"
#include "tally/summary.h"

struct judgements;

struct judgements_role {
	enum role role;
	uint64_t sources;
	uint64_t packets;
};

/* addresses: observed, 0 = not known yet. */
ST_MUST_CHECK int judgements_new(uint64_t addresses, struct judgements **ret_judgements,
    struct err *err);
void judgements_free(struct judgements *judgements);

/* Rows of the tally. */
ST_MUST_CHECK int judgements_add(struct judgements *judgements, const struct tally_rows *rows);

/* Once, after the last row; day: of the capture's beginning, for what is known of addresses.  tools:
 * the same as the summary's. */
ST_MUST_CHECK int judgements_finish(struct judgements *judgements, const struct summary *summary,
    const struct tools *tools, uint64_t addresses, int32_t day);

const struct attacks *judgements_attacks(const struct judgements *judgements);

/* By number of packets. */
const struct judgements_role *judgements_roles(const struct judgements *judgements,
    size_t *ret_count);
