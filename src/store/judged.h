/*
 * Which dates' judgements are stored, and those of the others, made in memory for questions.
 */
#pragma once

#include "store/internal.h"

struct judged_cache;

/*
 * Has the judgements of every date of [from, to) that has none of this detector (it is dirty, or
 * was judged by another one) in the tables of judge.h in the reader's memory.  all_roles: see
 * judge.h.  Inside a read transaction of the catalogue, with the owner's lock held.  What was made
 * before and still holds is kept; a day that is made again is replaced in one step, so that a question
 * under way beside sees what was there when it began.
 */
ST_MUST_CHECK int judged_settle(struct store *store, bool all_roles, int32_t from, int32_t to,
    struct err *err);

/* Appends those dates as DATE 'YYYY-MM-DD', …; NULL when there are none. */
ST_MUST_CHECK int judged_put_days(struct store *store, int32_t from, int32_t to, struct buf *sql,
    struct err *err);

/* Makes the empty tables, unless they are there; the reader is open. */
ST_MUST_CHECK int judged_prepare(struct store *store, struct err *err);

/* NULL is allowed; before the reader is closed. */
void judged_free(struct judged_cache *cache);

/* SQL that holds for a row of `segment s` LEFT JOIN `date d` whose date's judgements are stored;
 * ends with a %d for the detector's version. */
#define JUDGED_STORED                                                                          \
	"(coalesce(d.flow_dropped, 0) OR (coalesce(d.dirty, 1) = 0 AND EXISTS (SELECT 1 FROM segment r " \
	"WHERE r.day = s.day AND r.tbl = 'role' AND r.superseded = 0 AND r.ingest = %d)))"
