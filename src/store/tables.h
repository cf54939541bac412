/*
 * What the store knows about each table of fields.def beyond its columns: where its rows come
 * from, how a merged file is sorted and how long it is kept.  A table that has no line in tables.c
 * is ingested, sorted by sensor and time, and kept as long as anything.
 */
#pragma once

#include "record/record.h"

#include <stdbool.h>

enum table_origin {
	TABLE_INGESTED,  /* rows come through an ingest */
	TABLE_CATALOGUE, /* rows are in the catalogue: no segments */
	TABLE_ROLLUP,    /* made from flow by SQL */
	TABLE_JUDGED,    /* made from flow and others by detectors, replaced whole per date */
};

enum table_retention {
	TABLE_KEEP_ALL,     /* until the whole date goes */
	TABLE_KEEP_FLOW,    /* retention.flow */
	TABLE_KEEP_SESSION, /* retention.session */
	TABLE_RETENTION_COUNT,
};

/*
 * The set of rollups that compaction writes; port_quarter, which has rows of every date, is listed
 * with its number.  A date without a rollup's file has no rows of it when it was written by a set
 * that has the rollup, else the rollup is computed.
 */
#define TABLE_ROLLUPS 1

struct table_info {
	enum table_origin origin;
	enum table_retention retention;
	const char *order;  /* of a merged file; rows that belong together stay together */
	const char *rollup; /* SQL file over {flow}; NULL unless TABLE_ROLLUP */
	unsigned rollup_since; /* first set of rollups that has it */
};

struct table_info table_info(enum record_table_id id);

/* Whether a column of the table holds bytes (RECORD_BLOB). */
bool table_has_blob(enum record_table_id id);

/* Of a row group with blobs, which readers hold in memory as a whole. */
#define TABLE_BLOB_GROUP_ROWS 16384

/* Whether rows of the table come through an ingest. */
bool table_is_ingested(enum record_table_id id);
