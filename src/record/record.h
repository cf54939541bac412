/*
 * The records: C structs, descriptors and the row codec, all made from fields.def.
 *
 * A descriptor lists a table's columns with type and offset, so that everything that treats a
 * table as data (codec, DDL, column writers, JSON, documentation) is one loop over it.
 */
#pragma once

#include "base/buf.h"
#include "base/rd.h"
#include "base/status.h"
#include "base/wr.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_SCHEMA_VERSION 2
#define RECORD_FIELDS_MAX 48

enum record_type {
	RECORD_U8,
	RECORD_U16,
	RECORD_U32,
	RECORD_U64,
	RECORD_U64NULL, /* 0 is stored as NULL */
	RECORD_I64,
	RECORD_TIME, /* int64_t, microseconds since 1970 UTC */
	RECORD_DATE, /* int32_t, days since 1970-01-01 */
	RECORD_CODE, /* two letters */
	RECORD_TEXT, /* UTF-8, borrowed */
	RECORD_BLOB, /* bytes, borrowed */
};

enum record_privacy {
	RECORD_PUBLIC,
	RECORD_SITE,
	RECORD_PERSONAL,
	RECORD_RESTRICTED,
};

enum record_class {
	RECORD_CLASS_REQUEST,
	RECORD_CLASS_FOLLOWUP,
	RECORD_CLASS_BACKSCATTER,
	RECORD_CLASS_OTHER,
	RECORD_CLASS_COUNT,
};

enum record_mark {
	RECORD_MARK_MIRAI = 1 << 0,
	RECORD_MARK_ZMAP = 1 << 1,
	RECORD_MARK_MASSCAN = 1 << 2,
	RECORD_MARK_SYNFUL = 1 << 3,
};
#define RECORD_MARK_COUNT 4

/* Borrowed text or bytes; not NUL-terminated. */
struct record_text {
	const char *data;
	uint32_t len;
};

#define RECORD_C_U8(n) uint8_t n;
#define RECORD_C_U16(n) uint16_t n;
#define RECORD_C_U32(n) uint32_t n;
#define RECORD_C_U64(n) uint64_t n;
#define RECORD_C_U64NULL(n) uint64_t n;
#define RECORD_C_I64(n) int64_t n;
#define RECORD_C_TIME(n) int64_t n;
#define RECORD_C_DATE(n) int32_t n;
#define RECORD_C_CODE(n) char n[2];
#define RECORD_C_TEXT(n) struct record_text n;
#define RECORD_C_BLOB(n) struct record_text n;

#define TABLE(name, doc) struct record_##name {
#define FIELD(table, name, type, since, privacy, doc) RECORD_C_##type(name)
#define END(name) };
#include "record/fields.def"
#undef TABLE
#undef FIELD
#undef END

#define TABLE(name, doc) RECORD_TABLE_##name,
#define FIELD(table, name, type, since, privacy, doc)
#define END(name)
enum record_table_id {
#include "record/fields.def"
	RECORD_TABLE_COUNT,
};
#undef TABLE
#undef FIELD
#undef END

struct record_field {
	const char *name;
	enum record_type type;
	unsigned since;
	enum record_privacy privacy;
	size_t offset;
	const char *doc;
};

struct record_table {
	const char *name;
	const char *doc;
	size_t size; /* of the C struct */
	unsigned field_count;
	const struct record_field *fields;
};

/* Indexed by enum record_table_id. */
extern const struct record_table record_tables[RECORD_TABLE_COUNT];

/* The table of that name, or NULL. */
const struct record_table *record_table_find(const char *name);

const char *record_class_name(enum record_class class);

/* Name of the mark with that bit number, 0 … RECORD_MARK_COUNT-1. */
const char *record_mark_name(unsigned bit);

/* Appends one row in the journal's form: the fields in order, little endian, text and blob as u32 + bytes. */
void record_encode(const struct record_table *table, const void *row, struct wr *w);

/*
 * Reads one row that was written under schema `version`; columns newer than that become zero.
 * Text points into the reader's memory.  ST_TRUNC leaves *ret_row unspecified.
 */
ST_MUST_CHECK int record_decode(const struct record_table *table, unsigned version, struct rd *r,
    void *ret_row);

/* Upper bound of the encoded size of a row (text included). */
size_t record_encoded_max(const struct record_table *table, const void *row);

enum record_dialect {
	RECORD_DUCKDB,
	RECORD_CLICKHOUSE,
};

/* The dialect's name of a type. */
const char *record_type_sql(enum record_type type, enum record_dialect dialect);

/* Whether a column of that type is a struct record_text. */
static inline bool record_is_text(enum record_type type)
{
	return type == RECORD_TEXT || type == RECORD_BLOB;
}

/* Appends "col TYPE, col TYPE …" in the dialect. */
void record_ddl_columns(const struct record_table *table, enum record_dialect dialect,
    struct buf *b);

/* Appends docs/records.md. */
void record_document(struct buf *b);
