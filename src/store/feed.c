/* Record rows → DuckDB vectors; the contract is in feed.h. */
#include "store/feed.h"

#include <string.h>

duckdb_type feed_column_type(enum record_type type)
{
	switch (type) {
	case RECORD_U8:
		return DUCKDB_TYPE_UTINYINT;
	case RECORD_U16:
		return DUCKDB_TYPE_USMALLINT;
	case RECORD_U32:
		return DUCKDB_TYPE_UINTEGER;
	case RECORD_U64:
	case RECORD_U64NULL:
		return DUCKDB_TYPE_UBIGINT;
	case RECORD_I64:
		return DUCKDB_TYPE_BIGINT;
	case RECORD_TIME:
		return DUCKDB_TYPE_TIMESTAMP;
	case RECORD_DATE:
		return DUCKDB_TYPE_DATE;
	case RECORD_CODE:
	case RECORD_TEXT:
		return DUCKDB_TYPE_VARCHAR;
	case RECORD_BLOB:
		return DUCKDB_TYPE_BLOB;
	}
	return DUCKDB_TYPE_INVALID;
}

/* Copies one column of fixed width; the compiler turns each constant width into plain moves. */
#define COPY_COLUMN(type)                                                                       \
	do {                                                                                    \
		type *to = data;                                                                \
		for (size_t i = 0; i < count; i++)                                              \
			memcpy(&to[i], from + i * stride, sizeof(type));                        \
	} while (0)

static void fill_nullable(duckdb_vector vector, const uint8_t *from, size_t stride, size_t count)
{
	uint64_t *to = duckdb_vector_get_data(vector);
	uint64_t *validity;
	bool any_null = false;

	for (size_t i = 0; i < count; i++) {
		memcpy(&to[i], from + i * stride, sizeof(to[i]));
		any_null |= to[i] == 0;
	}
	if (!any_null)
		return;
	duckdb_vector_ensure_validity_writable(vector);
	validity = duckdb_vector_get_validity(vector);
	for (size_t i = 0; i < count; i++)
		if (to[i] == 0)
			duckdb_validity_set_row_invalid(validity, i);
}

static void fill_text(duckdb_vector vector, const uint8_t *from, size_t stride, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct record_text text;

		memcpy(&text, from + i * stride, sizeof(text));
		duckdb_vector_assign_string_element_len(vector, i, text.len ? text.data : "",
		    text.len);
	}
}

/* Two letters fit into the string's own struct: nothing is allocated. */
static void fill_code(duckdb_vector vector, const uint8_t *from, size_t stride, size_t count)
{
	duckdb_string_t *to = duckdb_vector_get_data(vector);

	for (size_t i = 0; i < count; i++) {
		duckdb_string_t code = {.value.inlined = {.length = 2}};

		memcpy(code.value.inlined.inlined, from + i * stride, 2);
		if (code.value.inlined.inlined[0] == 0)
			code.value.inlined.length = 0;
		to[i] = code;
	}
}

static void fill_column(duckdb_vector vector, const struct record_field *field,
    const uint8_t *from, size_t stride, size_t count)
{
	void *data = duckdb_vector_get_data(vector);

	switch (field->type) {
	case RECORD_U8:
		COPY_COLUMN(uint8_t);
		break;
	case RECORD_U16:
		COPY_COLUMN(uint16_t);
		break;
	case RECORD_U32:
	case RECORD_DATE:
		COPY_COLUMN(uint32_t);
		break;
	case RECORD_U64:
	case RECORD_I64:
	case RECORD_TIME:
		COPY_COLUMN(uint64_t);
		break;
	case RECORD_U64NULL:
		fill_nullable(vector, from, stride, count);
		break;
	case RECORD_CODE:
		fill_code(vector, from, stride, count);
		break;
	case RECORD_TEXT:
	case RECORD_BLOB:
		fill_text(vector, from, stride, count);
		break;
	}
}

void feed_fill(const struct record_table *table, const void *rows, size_t count,
    duckdb_data_chunk chunk)
{
	const uint8_t *first = rows;

	for (unsigned i = 0; i < table->field_count; i++)
		fill_column(duckdb_data_chunk_get_vector(chunk, i), &table->fields[i],
		    first + table->fields[i].offset, table->size, count);
	duckdb_data_chunk_set_size(chunk, count);
}
