/*
 * What is judged of a date: attacks and roles, from its rows, by the detectors of detect/.
 *
 * The judgements of a date are made as a whole, into tables in DuckDB's memory: compaction writes
 * them from there, and a question about a date that is not clean reads them there (judged.h).  So
 * both see the same.
 */
#pragma once

#include "store/internal.h"

struct judge;

/*
 * Makes the empty tables judged_role, judged_role_day and judged_attack through `to`, a connection
 * of `db` that stays open longer than the judge.
 */
ST_MUST_CHECK int judge_new(struct store *store, duckdb_database db, struct engine *to,
    struct judge **ret_judge, struct err *err);

/* NULL is allowed.  The tables stay. */
void judge_free(struct judge *judge);

/* false: from now on judged_role only gets roles that are counted apart. */
void judge_all_roles(struct judge *judge, bool all_roles);

/* Rows of one date, as SELECTs of all columns of flow, session and coverage. */
struct judge_date {
	int32_t day;
	const char *flow;
	const char *session;
	const char *coverage;
	uint64_t flow_rows; /* about so many */
	bool count; /* rollups as well, see judge_counted */
};

/* Adds a date's judgements to the tables. */
ST_MUST_CHECK int judge_add(struct judge *judge, const struct judge_date *date, struct err *err);

/* The same from the segments of a day. */
ST_MUST_CHECK int judge_day(struct store *store, struct judge *judge, int32_t day,
    struct err *err);

/*
 * The table that has a rollup of the date judged last, counted beside when that was asked for and
 * was exact (source_day, port_day and origin_day of one sensor): the rows that the rollup's SQL
 * would give.
 * NULL: it has to be made by that.
 */
const char *judge_counted(const struct judge *judge, enum record_table_id id);

/* Removes the tables. */
ST_MUST_CHECK int judge_drop(struct engine *to, struct err *err);

/* The table that a judged table's rows are in; NULL for other tables. */
const char *judge_table(enum record_table_id id);
