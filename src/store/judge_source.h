/*
 * Rows of a date in, in any order; rows of the table role out, one of each source.  All sources of
 * a part are in memory at once: about 250 bytes each, and 16 bytes for each port of each.
 */
#pragma once

#include "detect/role.h"
#include "fingerprint/tools.h"
#include "store/catalogue.h"

#include <duckdb.h>

/* Which rules of tools.rules each SYN signature of the catalogue leaves possible. */
struct judge_signatures {
	struct judge_signature *slots; /* open addressing, a power of two */
	uint32_t capacity;
	uint32_t unknown; /* of signatures without a text: what marks alone tell */
};

ST_MUST_CHECK int judge_signatures_load(struct judge_signatures *signatures,
    struct catalogue *cat, const struct tools *tools, struct err *err);
void judge_signatures_fini(struct judge_signatures *signatures);

struct judge_sources;

/* All borrowed. */
struct judge_sources_options {
	int32_t day;
	uint64_t addresses;
	bool all_roles; /* else only those that are counted apart */
	const struct detect_settings *settings;
	const struct research *research;
	const struct tools *tools;
	const struct judge_signatures *signatures;
	const struct role_victims *victims;
	const struct carpets *carpets;
	/* Tables that are counted beside: source_day, port_day and origin_day, by the definitions of
	 * their SQL.  NULL: not.  Rows of one sensor only; for the last two no address is of IPv6. */
	const char *source_day;
	const char *port_day;
	const char *origin_day;
	uint16_t sensor; /* of all rows then */
};

/* Rows go to the table of that name on the connection. */
ST_MUST_CHECK int judge_sources_new(const struct judge_sources_options *options,
    duckdb_connection con, const char *table, struct judge_sources **ret_sources, struct err *err);
void judge_sources_free(struct judge_sources *sources);

/* For chunks_read: takes rows of judge_roles.sql. */
int judge_sources_take(void *sources, duckdb_data_chunk chunk, struct err *err);

/* After the last row of a part, which has all rows of its sources: judges them, forgets them. */
ST_MUST_CHECK int judge_sources_end_part(struct judge_sources *sources, struct err *err);

/* After the last part.  ret_moved: a source has rows of several countries; then origin_day's table
 * stays empty, because the marks' countries are not known. */
ST_MUST_CHECK int judge_sources_finish(struct judge_sources *sources, bool *ret_moved,
    struct err *err);
