/* Compaction of single dates, for those who need a date clean (store_compact, store_prune). */
#pragma once

#include "store/internal.h"

/* As store_compact for one date. */
ST_MUST_CHECK int compact_date(struct store *store, int32_t day, int64_t now_us,
    struct store_compact_stats *stats, struct err *err);

/* Unlists the segments that were superseded before a moment and removes their files. */
ST_MUST_CHECK int compact_remove_superseded(struct store *store, int64_t before_us,
    unsigned *ret_count, struct err *err);
