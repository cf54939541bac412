/*
 * The store: a directory of immutable Parquet segments, a catalogue that lists them, and the SQL
 * questions asked of them.
 *
 *   catalogue.db                       SQLite (WAL): sensors, ingests, segments, dates, zone
 *   TABLE/date=YYYY-MM-DD/NAME.parquet segments; a date is a site day in the store's time zone
 *   journal/                           CRC-framed rows that are not in a segment yet
 *
 * The zone is fixed when the store is created.  Readers take their file list from the catalogue,
 * so a torn or superseded file is invisible; readers and one writer work side by side.
 * Opening for reading never writes.  Nothing here decides what a number means: questions are SQL
 * files (sql/NAME.sql), rankings and comparisons are made by the caller.
 */
#pragma once

#include "base/ip.h"
#include "base/status.h"
#include "base/zone.h"
#include "detect/role.h"
#include "record/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

enum store_mode {
	STORE_READ,  /* must exist; any number of readers */
	STORE_WRITE, /* created when absent; one writer at a time (ST_EXISTS names its pid) */
};

/* What judging (tables role, role_day, attack) goes by besides rows. */
struct store_judging {
	bool given; /* else the defaults and the built-in networks */
	struct detect_settings settings;
	const struct research *research; /* borrowed as long as the store is open */
};

/*
 * The thresholds of a configuration, the built-in networks and those of its files (detect.research).
 * The caller frees *ret_research after the store is closed.  An error names file and line.
 */
ST_MUST_CHECK int store_judging_read(const struct config *config,
    struct store_judging *ret_judging, struct research **ret_research, struct err *err);

struct store_options {
	const char *path;
	enum store_mode mode;
	const char *timezone;  /* for a new store; NULL = UTC; ignored for an existing one */
	unsigned threads;      /* of DuckDB; 0 = number of processors */
	uint64_t memory_bytes; /* DuckDB's limit; 0 = 1 GiB */
	struct store_judging judging;
};

ST_MUST_CHECK int store_open(const struct store_options *options, struct store **ret_store,
    struct err *err);

/* NULL is allowed. */
void store_close(struct store *store);

/* Owned by the store. */
struct zone *store_zone(struct store *store);

/* ---- sensors -------------------------------------------------------------------------------- */

/*
 * Finds the sensor by name or adds it; country, kind, tags and addresses are updated when given
 * (non-zero, non-empty).  *ret_id is its number.
 */
ST_MUST_CHECK int store_sensor_put(struct store *store, const struct record_sensor *sensor,
    uint16_t *ret_id, struct err *err);

/*
 * The observed addresses of a sensor in the order of their dst_index.  load gives the caller an
 * array to free(); save appends those past the ones already stored (indices are never reused).
 */
ST_MUST_CHECK int store_destinations_load(struct store *store, uint16_t sensor,
    struct ip **ret_addresses, size_t *ret_count, struct err *err);
ST_MUST_CHECK int store_destinations_save(struct store *store, uint16_t sensor,
    const struct ip *addresses, size_t count, struct err *err);

/* The text of a SYN signature id, such as "4:64:0:1460:65535,8:mss,nop,ws,nop,nop,sok:df:0". */
struct store_signature {
	uint32_t id;
	const char *text;
};

/* Adds those that are not there yet, in one transaction; a known id keeps its text. */
ST_MUST_CHECK int store_signatures_put(struct store *store,
    const struct store_signature *signatures, size_t count, struct err *err);

/* A rule set that a sensor's packets were matched with, from a time to a time. */
struct store_rules {
	uint16_t sensor;
	int64_t from; /* µs */
	int64_t to;
	uint32_t rules;  /* that are in use */
	int32_t updated; /* newest "updated_at" of its rules, days since 1970; 0: they have none */
	char digest[17]; /* of the rules' texts: tells one rule set from another */
};

/* Adds it, or makes the time of the same rule set longer where the two touch. */
ST_MUST_CHECK int store_rules_put(struct store *store, const struct store_rules *rules,
    struct err *err);

/* Those that overlap [from, to), by sensor and time; the caller frees the array. */
ST_MUST_CHECK int store_rules_list(struct store *store, int64_t from, int64_t to,
    struct store_rules **ret_rules, size_t *ret_count, struct err *err);

/* ---- ingest --------------------------------------------------------------------------------- */

struct store_ingest;

struct store_ingest_options {
	uint16_t sensor;
	const char *name;   /* of the file, for the catalogue */
	const char *sha256; /* 64 hex digits of its content; NULL for a live source */
	bool again;         /* take a file that is in the catalogue already */
	bool journal;       /* live: rows go through the journal and survive a crash before commit */
};

/*
 * Begins an ingest.  Without journal it is all or nothing: its segments become visible together
 * with the ingest's own row in one catalogue transaction at commit, so an interrupted one leaves
 * nothing and can be repeated.  With journal, rows are durable within a second and visible with
 * each minute closed.  ST_EXISTS when (sensor, sha256) is there and not `again`.
 */
ST_MUST_CHECK int store_ingest_begin(struct store *store, const struct store_ingest_options *options,
    struct store_ingest **ret_ingest, struct err *err);

/* sha256 may become known only while reading: set it before commit (ST_EXISTS as above). */
ST_MUST_CHECK int store_ingest_identify(struct store_ingest *ingest, const char *sha256,
    struct err *err);

/* Copies rows.  flow rows may come in any order of time. */
ST_MUST_CHECK int store_ingest_flow(struct store_ingest *ingest, const struct record_flow *rows,
    size_t count, struct err *err);
ST_MUST_CHECK int store_ingest_coverage(struct store_ingest *ingest,
    const struct record_coverage *rows, size_t count, struct err *err);

/*
 * Copies rows of any other table that is ingested (session, login, command, payload, event), an
 * array of that table's struct; texts are copied too.  Rows may come in any order of time.
 */
ST_MUST_CHECK int store_ingest_rows(struct store_ingest *ingest, enum record_table_id table,
    const void *rows, size_t count, struct err *err);

/*
 * Keeps a blob that a visitor left, once, zstd-compressed and read-only, as payload/ab/SHA256.zst
 * (ab: the first two of the 64 hex digits).  One that is there already is left alone.
 */
ST_MUST_CHECK int store_payload_put(struct store *store, const char *sha256, const void *data,
    size_t len, struct err *err);

/* Both end the ingest and free it, also when they fail. */
ST_MUST_CHECK int store_ingest_commit(struct store_ingest *ingest, struct err *err);
void store_ingest_abort(struct store_ingest *ingest);

/* ---- maintenance ---------------------------------------------------------------------------- */

struct store_compact_options {
	int32_t before_day; /* dates before this one; INT32_MAX for all */
	bool dirty_only;    /* skip dates that are one segment with clean rollups */
	int64_t now_us;     /* for the grace period of superseded files */
	int64_t grace_us;   /* superseded files older than that are deleted */
};

struct store_compact_stats {
	unsigned dates;
	unsigned files_before;
	unsigned files_after;
	unsigned files_deleted;
	uint64_t rows;
	uint64_t bytes_before;
	uint64_t bytes_after;
};

/*
 * Merges each date's segments into one file per table, sorted by (port, source, time) (large ones
 * of sessions stay as they are, their rows are too large to be sorted), writes the
 * rollups of sql/rollup_*.sql and what is judged of the date (attacks, roles), and marks the date
 * clean, in one catalogue transaction per date.
 */
ST_MUST_CHECK int store_compact(struct store *store, const struct store_compact_options *options,
    struct store_compact_stats *ret_stats, struct err *err);

struct store_prune_options {
	int32_t flow_before;   /* drop flow segments of earlier dates (rollups stay); INT32_MIN: none */
	int32_t all_before;    /* drop everything of earlier dates; INT32_MIN: none */
	/* Drop the oldest dates' detail (flow, rows of sessions, payloads) until the disk is at most
	 * so full; 0: off. */
	double watermark;
	int32_t watermark_before; /* the watermark leaves dates from this one on alone; 0: none */
	int32_t session_before; /* drop session, login, command, payload rows of earlier dates */
	int32_t payload_before; /* drop blobs that no row from this date on mentions; 0: none */
	bool dry_run;
	int64_t now_us;
};

/* Says each file it removes (or would remove) through `say`. */
ST_MUST_CHECK int store_prune(struct store *store, const struct store_prune_options *options,
    void (*say)(void *arg, const char *line), void *arg, struct err *err);

/*
 * Checks every catalogued file (present, size, checksum, row count by Parquet footer), rollups
 * and judgements against flow, and strangers in the directory.  Each finding goes through `say`; returns the
 * number of findings or a negative code.
 */
ST_MUST_CHECK int store_verify(struct store *store, void (*say)(void *arg, const char *line),
    void *arg, struct err *err);

struct store_stat_row {
	enum record_table_id table;
	unsigned dates;
	unsigned dates_dirty;
	unsigned files;
	uint64_t rows;
	uint64_t bytes;
	int32_t first_day;
	int32_t last_day;
};

/* One row per table that has files; RECORD_TABLE_COUNT rows are enough. */
ST_MUST_CHECK int store_stat(struct store *store, struct store_stat_row *ret_rows,
    size_t *ret_count, struct err *err);

/* First and last site day with coverage; ST_NOT_FOUND when the store is empty. */
ST_MUST_CHECK int store_days(struct store *store, int32_t *ret_first, int32_t *ret_last,
    struct err *err);

/*
 * How many site days of [day_from, day_to) have lost rows of a table to retention: a number that
 * is made from the rest is not the period's.
 */
ST_MUST_CHECK int store_days_dropped(struct store *store, enum record_table_id table,
    int32_t day_from, int32_t day_to, unsigned *ret_days, struct err *err);

/* ---- questions ------------------------------------------------------------------------------ */

enum store_param_kind {
	STORE_PARAM_INT,
	STORE_PARAM_TEXT, /* quoted and escaped as a SQL string */
	STORE_PARAM_DATE, /* int_value = days since 1970 → toDate('YYYY-MM-DD') */
	STORE_PARAM_TIME, /* int_value = µs since 1970 → toDateTime('… UTC') */
	STORE_PARAM_INTS, /* ints/int_count → 1,2,3 */
	STORE_PARAM_SQL,  /* text inserted as it is: never from outside the program */
};

struct store_param {
	const char *name; /* {name} in the SQL */
	enum store_param_kind kind;
	int64_t int_value;
	const char *text;
	const int64_t *ints;
	size_t int_count;
};

/*
 * A result in memory, rows × columns.  Text stays valid until store_result_free.
 * Out-of-range access gives 0, "" or NULL-is-true, never a fault.
 */
struct store_result;

enum store_type {
	STORE_TYPE_INT,  /* any integer, boolean */
	STORE_TYPE_UINT, /* unsigned beyond INT64_MAX possible */
	STORE_TYPE_REAL,
	STORE_TYPE_TEXT,
	STORE_TYPE_DATE, /* int: days */
	STORE_TYPE_TIME, /* int: µs */
};

/*
 * Asks sql/QUESTION.sql with its {params} filled in.  In SQL the tables of fields.def are there by
 * name (flow, coverage, sensor, port_quarter, source_day, port_day …); rollups of
 * dates that are not clean are computed from flow on the fly, so both ways agree; so are role,
 * role_day and attack, also where another version of the detector wrote them.  flow, coverage
 * and port_quarter have one more column, `date`: the site day.  `signature` (id, text) is there
 * too.  macros.sql lists the functions, among them ipText(hi, lo), className(class),
 * protoName(proto) and portName(proto, port).
 * [day_from, day_to) limits which dates' files are opened; INT32_MIN, INT32_MAX for all.
 * A missing or left-over parameter is ST_USAGE (a bug of ours).
 */
ST_MUST_CHECK int store_ask(struct store *store, const char *question,
    const struct store_param *params, size_t param_count, int32_t day_from, int32_t day_to,
    struct store_result **ret_result, struct err *err);

/*
 * The same for answers too large to keep: `each` gets them in blocks of some thousand rows, in any
 * order (ORDER BY is kept).  A block is gone when `each` returns; anything but ST_OK ends the scan
 * and is what store_scan returns.
 */
typedef int store_scan_each(void *arg, const struct store_result *block, struct err *err);
ST_MUST_CHECK int store_scan(struct store *store, const char *question,
    const struct store_param *params, size_t param_count, int32_t day_from, int32_t day_to,
    store_scan_each *each, void *arg, struct err *err);

/*
 * A list of numbers too long for SQL: in a question among(column, NUMBER) is true where an unsigned
 * 64-bit column has one of them.  Valid until it is ended, also for stores beside; at most 64 at a
 * time.  Ending -1 does nothing.
 */
ST_MUST_CHECK int store_among_begin(struct store *store, const uint64_t *values, size_t count,
    int *ret_number, struct err *err);
void store_among_end(struct store *store, int number);

/*
 * A part of the work that only asks, on a thread of its own while the caller goes on asking.  It gets
 * a store of its own (`beside`): the same directory and the same DuckDB, so the same threads and the
 * same limit of memory, but its own zone and catalogue.  The part may use that store and what arg
 * points to, nothing else; it is gone when the part returns.  Without a thread to be had, the part is
 * run within begin.
 *
 * Every part that was begun is ended before the store is closed: end waits for it and returns what it
 * returned, with its error.  end(NULL) is ST_OK.
 */
struct store_beside;
typedef int store_part(void *arg, struct store *beside, struct err *err);
ST_MUST_CHECK int store_beside_begin(struct store *store, store_part *part, void *arg,
    struct store_beside **ret_beside, struct err *err);
ST_MUST_CHECK int store_beside_end(struct store_beside *beside, struct err *err);

/* A person's SELECT, read-only: it cannot write, attach or read other files. */
ST_MUST_CHECK int store_sql(struct store *store, const char *sql, struct store_result **ret_result,
    struct err *err);

size_t store_result_rows(const struct store_result *result);
size_t store_result_columns(const struct store_result *result);
const char *store_result_name(const struct store_result *result, size_t column);
enum store_type store_result_type(const struct store_result *result, size_t column);
bool store_result_null(const struct store_result *result, size_t row, size_t column);
int64_t store_result_int(const struct store_result *result, size_t row, size_t column);
uint64_t store_result_uint(const struct store_result *result, size_t row, size_t column);
double store_result_real(const struct store_result *result, size_t row, size_t column);
/* A column of whole numbers, dates or times as an array (NULL as 0), or NULL when it is none or
 * there are no rows. */
const int64_t *store_result_ints(const struct store_result *result, size_t column);
/* The first count columns, each like that; false when one of them would be NULL. */
bool store_result_all_ints(const struct store_result *result, size_t count,
    const int64_t *ret_columns[]);
const char *store_result_text(const struct store_result *result, size_t row, size_t column);
void store_result_free(struct store_result *result);
