/* Descriptors, codec and documentation of the records; the contract is in record.h. */
#include "record/record.h"

#include <stddef.h>
#include <string.h>

#define TABLE(name, doc)                                                                        \
	static const struct record_field fields_##name[] = {
#define FIELD(table, name, type, since, privacy, doc)                                           \
	{#name, RECORD_##type, since, RECORD_##privacy, offsetof(struct record_##table, name), doc},
#define END(name)                                                                               \
	};                                                                                      \
	_Static_assert(sizeof(fields_##name) / sizeof(fields_##name[0]) <= RECORD_FIELDS_MAX,   \
	    "RECORD_FIELDS_MAX");
#include "record/fields.def"
#undef TABLE
#undef FIELD
#undef END

#define TABLE(name, doc)                                                                        \
	[RECORD_TABLE_##name] = {#name, doc, sizeof(struct record_##name),                      \
	    sizeof(fields_##name) / sizeof(fields_##name[0]), fields_##name},
#define FIELD(table, name, type, since, privacy, doc)
#define END(name)
const struct record_table record_tables[RECORD_TABLE_COUNT] = {
#include "record/fields.def"
};
#undef TABLE
#undef FIELD
#undef END

struct type_info {
	const char *name;
	size_t size; /* encoded; text: of the length */
	const char *duckdb;
	const char *clickhouse;
};

static const struct type_info types[] = {
	[RECORD_U8] = {"U8", 1, "UTINYINT", "UInt8"},
	[RECORD_U16] = {"U16", 2, "USMALLINT", "UInt16"},
	[RECORD_U32] = {"U32", 4, "UINTEGER", "UInt32"},
	[RECORD_U64] = {"U64", 8, "UBIGINT", "UInt64"},
	[RECORD_U64NULL] = {"U64 or null", 8, "UBIGINT", "Nullable(UInt64)"},
	[RECORD_I64] = {"I64", 8, "BIGINT", "Int64"},
	[RECORD_TIME] = {"time (µs, UTC)", 8, "TIMESTAMP", "DateTime64(6, 'UTC')"},
	[RECORD_DATE] = {"date", 4, "DATE", "Date"},
	[RECORD_CODE] = {"two letters", 2, "VARCHAR", "FixedString(2)"},
	[RECORD_TEXT] = {"text", 4, "VARCHAR", "String"},
	[RECORD_BLOB] = {"bytes", 4, "BLOB", "String"},
};

const struct record_table *record_table_find(const char *name)
{
	for (size_t i = 0; i < RECORD_TABLE_COUNT; i++)
		if (strcmp(record_tables[i].name, name) == 0)
			return &record_tables[i];
	return NULL;
}

const char *record_class_name(enum record_class class)
{
	static const char *const names[RECORD_CLASS_COUNT] = {
		"request", "followup", "backscatter", "other",
	};

	return class < RECORD_CLASS_COUNT ? names[class] : "other";
}

const char *record_mark_name(unsigned bit)
{
	static const char *const names[RECORD_MARK_COUNT] = {"mirai", "zmap", "masscan", "synful"};

	return bit < RECORD_MARK_COUNT ? names[bit] : "";
}

void record_encode(const struct record_table *table, const void *row, struct wr *w)
{
	for (unsigned i = 0; i < table->field_count; i++) {
		const struct record_field *f = &table->fields[i];
		const uint8_t *at = (const uint8_t *)row + f->offset;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;

		switch (f->type) {
		case RECORD_U8:
			wr_u8(w, *at);
			break;
		case RECORD_CODE:
			wr_bytes(w, at, 2);
			break;
		case RECORD_U16:
			memcpy(&u16, at, sizeof(u16));
			wr_u16le(w, u16);
			break;
		case RECORD_U32:
		case RECORD_DATE:
			memcpy(&u32, at, sizeof(u32));
			wr_u32le(w, u32);
			break;
		case RECORD_U64:
		case RECORD_U64NULL:
		case RECORD_I64:
		case RECORD_TIME:
			memcpy(&u64, at, sizeof(u64));
			wr_u64le(w, u64);
			break;
		case RECORD_TEXT:
		case RECORD_BLOB: {
			struct record_text text;

			memcpy(&text, at, sizeof(text));
			wr_u32le(w, text.len);
			wr_bytes(w, text.data, text.len);
			break;
		}
		}
	}
}

int record_decode(const struct record_table *table, unsigned version, struct rd *r, void *ret_row)
{
	memset(ret_row, 0, table->size);
	for (unsigned i = 0; i < table->field_count; i++) {
		const struct record_field *f = &table->fields[i];
		uint8_t *at = (uint8_t *)ret_row + f->offset;
		const uint8_t *code;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;

		if (f->since > version)
			continue;
		switch (f->type) {
		case RECORD_U8:
			*at = rd_u8(r);
			break;
		case RECORD_CODE:
			code = rd_take(r, 2);
			if (code)
				memcpy(at, code, 2);
			break;
		case RECORD_U16:
			u16 = rd_u16le(r);
			memcpy(at, &u16, sizeof(u16));
			break;
		case RECORD_U32:
		case RECORD_DATE:
			u32 = rd_u32le(r);
			memcpy(at, &u32, sizeof(u32));
			break;
		case RECORD_U64:
		case RECORD_U64NULL:
		case RECORD_I64:
		case RECORD_TIME:
			u64 = rd_u64le(r);
			memcpy(at, &u64, sizeof(u64));
			break;
		case RECORD_TEXT:
		case RECORD_BLOB: {
			struct record_text text;

			text.len = rd_u32le(r);
			text.data = (const char *)rd_take(r, text.len);
			memcpy(at, &text, sizeof(text));
			break;
		}
		}
	}
	return r->bad ? ST_TRUNC : ST_OK;
}

size_t record_encoded_max(const struct record_table *table, const void *row)
{
	size_t size = 0;

	for (unsigned i = 0; i < table->field_count; i++) {
		const struct record_field *f = &table->fields[i];

		size += types[f->type].size;
		if (record_is_text(f->type)) {
			struct record_text text;

			memcpy(&text, (const uint8_t *)row + f->offset, sizeof(text));
			size += text.len;
		}
	}
	return size;
}

const char *record_type_sql(enum record_type type, enum record_dialect dialect)
{
	return dialect == RECORD_DUCKDB ? types[type].duckdb : types[type].clickhouse;
}

void record_ddl_columns(const struct record_table *table, enum record_dialect dialect,
    struct buf *b)
{
	for (unsigned i = 0; i < table->field_count; i++) {
		const struct record_field *f = &table->fields[i];

		buf_printf(b, "%s\"%s\" %s", i ? ", " : "", f->name,
		    record_type_sql(f->type, dialect));
	}
}

void record_document(struct buf *b)
{
	static const char *const privacy[] = {
		[RECORD_PUBLIC] = "public",
		[RECORD_SITE] = "site",
		[RECORD_PERSONAL] = "personal",
		[RECORD_RESTRICTED] = "restricted",
	};

	buf_printf(b,
	    "# Records\n\nMade from `src/record/fields.def` by `build/record-docs`; do not edit.\n"
	    "Schema version %d. Times are UTC. Privacy: *public* may be published, *site* only in\n"
	    "sums, *personal* holds addresses of sources, *restricted* is never exported by "
	    "default.\n",
	    RECORD_SCHEMA_VERSION);
	for (size_t t = 0; t < RECORD_TABLE_COUNT; t++) {
		const struct record_table *table = &record_tables[t];

		buf_printf(b, "\n## %s\n\nOne row = %s.\n\n", table->name, table->doc);
		buf_puts(b, "| column | type | since | privacy | meaning |\n|---|---|---|---|---|\n");
		for (unsigned i = 0; i < table->field_count; i++) {
			const struct record_field *f = &table->fields[i];

			buf_printf(b, "| `%s` | %s | %u | %s | %s |\n", f->name, types[f->type].name,
			    f->since, privacy[f->privacy], f->doc);
		}
	}
}
