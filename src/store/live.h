/*
 * Live ingests: rows go through a journal, become visible a little later, and survive a crash.
 */
#pragma once

#include "store/ingest.h"

/* Makes the ingest live: its catalogue row, its journal, its keeper thread. */
ST_MUST_CHECK int live_start(struct store_ingest *ingest, struct err *err);

ST_MUST_CHECK int live_add(struct store_ingest *ingest, enum record_table_id id, const void *rows,
    size_t count, struct err *err);

/* Both end and free the ingest.  After an abort or a failed commit the journal's rows come back at
 * the next opening for writing. */
ST_MUST_CHECK int live_commit(struct store_ingest *ingest, struct err *err);
void live_abort(struct store_ingest *ingest);

/* Puts the rows of journals that a crash left into segments and removes strangers among them. */
ST_MUST_CHECK int live_replay(struct store *store, struct err *err);
