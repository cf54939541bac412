/* What the files of the store share; nobody outside includes this. */
#pragma once

#include "base/buf.h"
#include "base/embed.h"
#include "store/among.h"
#include "store/catalogue.h"
#include "store/engine.h"
#include "store/store.h"

#include <pthread.h>
#include <stdio.h>

/* A connection that has the views of some questions. */
struct store_session {
	struct engine engine;
	char *views;
	uint64_t used;
	bool busy;
};

#define STORE_SESSIONS_MAX 8

struct store {
	struct store *owner; /* beside another one (beside.c), whose DuckDB is used; else NULL */
	char *path;
	enum store_mode mode;
	unsigned threads;
	uint64_t memory_bytes;
	struct zone *zone;
	int lock_fd; /* -1 for readers */
	struct catalogue cat;
	struct engine merger; /* compaction and verification; opened at first use */
	struct chunks_taker *taker; /* of the merger, at first use */
	struct engine reader; /* questions; opened at first use */
	struct store_session sessions[STORE_SESSIONS_MAX];
	uint64_t session_uses;
	struct store_judging judging;
	struct research *research; /* the built-in networks, at first use; NULL: those of judging */
	struct tools *tools;       /* at first use */
	struct judged_cache *judged; /* at first use */
	struct among among;         /* lists that questions name */
	pthread_mutex_t judging_lock; /* of judged, where somebody asks beside */
	pthread_rwlock_t alone;       /* questions share it; one that needs all memory has it alone */
	uint64_t token;            /* makes segment names unique */
	unsigned name_count;
};

/* Made from sql/ by tools/embed.py. */
extern const struct embed_file store_sql_files[];

/* The engine that merges and verifies (may read and write files), opened at first use. */
ST_MUST_CHECK int store_merger(struct store *store, struct engine **ret_engine, struct err *err);

/* A name nobody used before: "TOKEN-NUMBER". */
#define STORE_NAME_MAX 40
const char *store_unique_name(struct store *store, char name[STORE_NAME_MAX]);

/* Fills the {params} of a text; see store_ask. */
ST_MUST_CHECK int query_fill(const char *question, const char *text,
    const struct store_param *params, size_t param_count, struct buf *sql, struct err *err);

/* Who holds what a store and those beside it share. */
static inline struct store *store_owner(struct store *store)
{
	return store->owner ? store->owner : store;
}

/* Makes what questions make at first use. */
ST_MUST_CHECK int query_prepare(struct store *store, struct err *err);
/* Ends what questions keep; before the reader is closed. */
void query_end(struct store *store);

/* Microseconds since 1970. */
int64_t store_now(void);
