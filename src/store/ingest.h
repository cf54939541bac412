/*
 * An ingest from the inside, for ingest.c (batches and the writing thread) and live.c (journal).
 */
#pragma once

#include "store/batch.h"
#include "store/internal.h"
#include "store/segment.h"

#include <pthread.h>

#define SHA256_TEXT 64
#define INGEST_JOBS_MAX 8

struct live;

struct store_ingest {
	struct store *store;
	struct catalogue *cat; /* the store's, or the live ingest's own */
	struct live *live;     /* NULL unless the ingest has a journal */
	int64_t id;            /* in the catalogue, 0 = not there yet */
	uint16_t sensor;
	char *name;
	char sha256[SHA256_TEXT + 1]; /* empty: unknown */
	bool again;

	/* Of who adds rows, one thread at a time: under `adding`. */
	pthread_mutex_t adding;
	struct zone *zone; /* the ingest's own: the store's is its caller's */
	struct batch **batches; /* sorted by table and day */
	size_t batch_count;
	size_t batch_cap;
	size_t buffered; /* rows in them */
	size_t buffered_text; /* bytes of their texts */
	struct batch *last[RECORD_TABLE_COUNT];
	uint64_t rows; /* handed over so far */

	/* Shared with the writing thread, under the mutex. */
	pthread_t thread;
	bool thread_runs;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct batch *jobs[INGEST_JOBS_MAX]; /* in turn */
	unsigned job_count;
	unsigned writing;    /* batches that have been taken from there and are not written yet */
	struct batch *spare; /* written; its memory is used again */
	bool stop;
	struct err failure; /* code 0: none */
	struct segment *segments; /* written; with several at work not in their names' order */
	size_t segment_count;
	size_t segment_cap;
};

/* Sorts rows into batches and hands full ones to the writing thread, from any thread.  Who hands
 * one over waits until it is being written. */
ST_MUST_CHECK int ingest_add(struct store_ingest *ingest, enum record_table_id id,
    const void *rows, size_t count, struct err *err);

/* Writes everything that is buffered and waits for it. */
ST_MUST_CHECK int ingest_drain(struct store_ingest *ingest, struct err *err);

/* Lists the segments written since the last time, inside the caller's transaction. */
ST_MUST_CHECK int ingest_list(struct store_ingest *ingest, struct err *err);

/* Adds the ingest's row, inside the caller's transaction; sets ingest->id. */
ST_MUST_CHECK int ingest_register(struct store_ingest *ingest, struct err *err);

/* An ingest without journal or catalogue row. */
ST_MUST_CHECK int ingest_new(struct store *store, uint16_t sensor, const char *name,
    struct store_ingest **ret_ingest, struct err *err);

/* Stops the writing thread and frees everything but the live part; files stay. */
void ingest_free(struct store_ingest *ingest);
