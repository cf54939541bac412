/*
 * Writing a Parquet file; the contract is in parquet.h.
 *
 * Apache Parquet format (parquet.thrift, README.md): row groups of column chunks, then the footer.
 * The rows are turned into columns a few at a time, so that each comes into the cache once.
 */
#include "store/parquet.h"

#include "base/buf.h"
#include "base/hash.h"
#include "os/file.h"
#include "store/chunk.h"
#include "store/tables.h"
#include "store/thrift.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "PAR1"
#define MAGIC_LEN 4
#define TURN_ROWS 128 /* rows that are turned into columns at once */
#define GROUP_TEXT_MAX (32u << 20)
#define FILE_VERSION 1
#define CREATOR "teiten"

struct group {
	size_t rows;
	uint64_t offset;
	uint64_t bytes;
};

struct parquet {
	const struct record_table *table;
	int fd;
	uint64_t offset; /* bytes written */
	uint32_t crc;
	struct chunk_writer *writer;
	uint8_t *columns; /* of the row group, one after the other */
	struct buf out;
	struct group *groups;
	size_t group_count;
	size_t group_cap;
	struct chunk *chunks; /* field_count of each group; offsets in the file */
};

static int write_out(struct parquet *parquet)
{
	const struct buf *out = &parquet->out;
	int ret = out->failed ? -ENOMEM : os_fd_write(parquet->fd, out->data, out->len);

	if (ret)
		return ret;
	parquet->crc = hash_crc32c(parquet->crc, out->data, out->len);
	parquet->offset += out->len;
	buf_reset(&parquet->out);
	return ST_OK;
}

/* ---- row groups ---------------------------------------------------------------------------- */

static size_t group_rows_max(const struct record_table *table)
{
	return table_has_blob((enum record_table_id)(table - record_tables)) ? TABLE_BLOB_GROUP_ROWS
	                                                                     : CHUNK_ROWS_MAX;
}

/* Rows that the next group takes. */
static size_t group_rows(const struct record_table *table, const uint8_t *rows, size_t count)
{
	size_t max = group_rows_max(table);
	size_t text = 0;

	if (count > max)
		count = max;
	for (size_t i = 0; i < count; i++, rows += table->size) {
		for (unsigned f = 0; f < table->field_count; f++) {
			struct record_text value;

			if (!record_is_text(table->fields[f].type))
				continue;
			memcpy(&value, rows + table->fields[f].offset, sizeof(value));
			text += value.len;
		}
		if (text > GROUP_TEXT_MAX)
			return i ? i : 1;
	}
	return count;
}

/* One constant width each, so that the compiler makes plain moves of it. */
#define TURN(size)                                                                              \
	do {                                                                                    \
		for (size_t i = 0; i < count; i++, from += stride, to += (size))                \
			memcpy(to, from, (size));                                               \
	} while (0)

static void turn_field(uint8_t *to, const uint8_t *from, size_t size, size_t stride, size_t count)
{
	switch (size) {
	case 1:
		TURN(1);
		break;
	case 2:
		TURN(2);
		break;
	case 4:
		TURN(4);
		break;
	case 8:
		TURN(8);
		break;
	default:
		TURN(sizeof(struct record_text));
		break;
	}
}

/* The column's part of the memory for `rows` rows. */
static uint8_t *column_at(const struct parquet *parquet, unsigned field, size_t rows)
{
	size_t before = 0;

	/* The widest come first, so that each is aligned. */
	for (unsigned i = 0; i < parquet->table->field_count; i++) {
		size_t size = chunk_value_size(parquet->table->fields[i].type);
		size_t own = chunk_value_size(parquet->table->fields[field].type);

		if (size > own || (size == own && i < field))
			before += size;
	}
	return parquet->columns + before * rows;
}

static void turn(struct parquet *parquet, const uint8_t *rows, size_t count)
{
	const struct record_table *table = parquet->table;
	uint8_t *columns[RECORD_FIELDS_MAX];

	for (unsigned f = 0; f < table->field_count; f++)
		columns[f] = column_at(parquet, f, count);
	for (size_t at = 0; at < count; at += TURN_ROWS) {
		size_t n = count - at < TURN_ROWS ? count - at : TURN_ROWS;

		for (unsigned f = 0; f < table->field_count; f++) {
			size_t size = chunk_value_size(table->fields[f].type);

			turn_field(columns[f] + at * size,
			    rows + at * table->size + table->fields[f].offset, size,
			    table->size, n);
		}
	}
}

static int add_group(struct parquet *parquet)
{
	size_t cap = parquet->group_cap ? 2 * parquet->group_cap : 16;
	struct group *groups;
	struct chunk *chunks;

	if (parquet->group_count < parquet->group_cap)
		return ST_OK;
	groups = realloc(parquet->groups, cap * sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	parquet->groups = groups;
	chunks = realloc(parquet->chunks, cap * parquet->table->field_count * sizeof(*chunks));
	if (!chunks)
		return -ENOMEM;
	parquet->chunks = chunks;
	parquet->group_cap = cap;
	return ST_OK;
}

static int write_group(struct parquet *parquet, const uint8_t *rows, size_t count)
{
	const struct record_table *table = parquet->table;
	struct group *group;
	int ret = add_group(parquet);

	if (ret)
		return ret;
	group = &parquet->groups[parquet->group_count];
	*group = (struct group){.rows = count, .offset = parquet->offset};
	turn(parquet, rows, count);
	for (unsigned f = 0; f < table->field_count; f++) {
		struct chunk *chunk = parquet->chunks
		    + parquet->group_count * table->field_count + f;

		ret = chunk_write(parquet->writer, table->fields[f].type,
		    column_at(parquet, f, count), count, &parquet->out, chunk);
		if (ret)
			return ret;
		chunk->data += group->offset;
		chunk->dictionary += group->offset;
		group->bytes += chunk->unpacked;
	}
	parquet->group_count++;
	return write_out(parquet);
}

/* ---- the footer ---------------------------------------------------------------------------- */

/* Numbers of parquet.thrift's ConvertedType and LogicalType. */
enum converted {
	CONVERTED_UTF8 = 0,
	CONVERTED_DATE = 6,
	CONVERTED_TIMESTAMP_MICROS = 10,
	CONVERTED_UINT_8 = 11,
	CONVERTED_UINT_16 = 12,
	CONVERTED_UINT_32 = 13,
	CONVERTED_UINT_64 = 14,
	CONVERTED_INT_64 = 18,
	CONVERTED_NONE = -1,
};

static enum converted converted_type(enum record_type type)
{
	switch (type) {
	case RECORD_U8:
		return CONVERTED_UINT_8;
	case RECORD_U16:
		return CONVERTED_UINT_16;
	case RECORD_U32:
		return CONVERTED_UINT_32;
	case RECORD_U64:
	case RECORD_U64NULL:
		return CONVERTED_UINT_64;
	case RECORD_I64:
		return CONVERTED_INT_64;
	case RECORD_TIME:
		return CONVERTED_TIMESTAMP_MICROS;
	case RECORD_DATE:
		return CONVERTED_DATE;
	case RECORD_CODE:
	case RECORD_TEXT:
		return CONVERTED_UTF8;
	case RECORD_BLOB:
		return CONVERTED_NONE;
	}
	return CONVERTED_NONE;
}

static void put_field(struct thrift *thrift, const struct record_field *field)
{
	enum converted converted = converted_type(field->type);

	thrift_struct(thrift, 0);
	thrift_int(thrift, 1, THRIFT_I32, chunk_type(field->type));
	thrift_int(thrift, 3, THRIFT_I32, field->type == RECORD_U64NULL); /* 1 = optional */
	thrift_binary(thrift, 4, field->name, strlen(field->name));
	if (converted != CONVERTED_NONE)
		thrift_int(thrift, 6, THRIFT_I32, converted);
	if (field->type == RECORD_TIME) {
		/* Microseconds that a reader does not move into its own zone, as DuckDB's. */
		thrift_struct(thrift, 10);
		thrift_struct(thrift, 8);
		thrift_bool(thrift, 1, false);
		thrift_struct(thrift, 2);
		thrift_struct(thrift, 2);
		for (unsigned depth = 0; depth < 4; depth++)
			thrift_struct_end(thrift);
	}
	thrift_struct_end(thrift);
}

static void put_schema(struct thrift *thrift, const struct record_table *table)
{
	thrift_list(thrift, 2, THRIFT_STRUCT, table->field_count + 1);
	thrift_struct(thrift, 0);
	thrift_binary(thrift, 4, table->name, strlen(table->name));
	thrift_int(thrift, 5, THRIFT_I32, table->field_count);
	thrift_struct_end(thrift);
	for (unsigned i = 0; i < table->field_count; i++)
		put_field(thrift, &table->fields[i]);
}

static void put_chunk(struct thrift *thrift, const struct record_field *field,
    const struct chunk *chunk)
{
	bool dictionary = chunk->encoding == CHUNK_DICTIONARY;
	enum chunk_type type = chunk_type(field->type);
	uint64_t start = dictionary ? chunk->dictionary : chunk->data;

	thrift_struct(thrift, 0);
	thrift_int(thrift, 2, THRIFT_I64, (int64_t)start);
	thrift_struct(thrift, 3);
	thrift_int(thrift, 1, THRIFT_I32, type);
	thrift_list(thrift, 2, THRIFT_I32, dictionary ? 3 : 2);
	if (dictionary)
		thrift_element_int(thrift, CHUNK_PLAIN);
	thrift_element_int(thrift, chunk->encoding);
	thrift_element_int(thrift, CHUNK_RLE);
	thrift_list(thrift, 3, THRIFT_BINARY, 1);
	thrift_element_binary(thrift, field->name, strlen(field->name));
	thrift_int(thrift, 4, THRIFT_I32, chunk->codec);
	thrift_int(thrift, 5, THRIFT_I64, (int64_t)chunk->values);
	thrift_int(thrift, 6, THRIFT_I64, (int64_t)chunk->unpacked);
	thrift_int(thrift, 7, THRIFT_I64, (int64_t)chunk->stored);
	thrift_int(thrift, 9, THRIFT_I64, (int64_t)chunk->data);
	if (dictionary)
		thrift_int(thrift, 11, THRIFT_I64, (int64_t)chunk->dictionary);
	thrift_struct(thrift, 12);
	thrift_int(thrift, 3, THRIFT_I64, (int64_t)chunk->nulls);
	if (chunk->has_range) {
		size_t size = type == CHUNK_INT32 ? 4 : 8; /* the low ones come first */

		thrift_binary(thrift, 5, &chunk->most, size);
		thrift_binary(thrift, 6, &chunk->least, size);
	}
	thrift_struct_end(thrift);
	thrift_struct_end(thrift);
	thrift_struct_end(thrift);
}

static void put_groups(struct thrift *thrift, const struct parquet *parquet)
{
	const struct record_table *table = parquet->table;

	thrift_list(thrift, 4, THRIFT_STRUCT, parquet->group_count);
	for (size_t g = 0; g < parquet->group_count; g++) {
		const struct group *group = &parquet->groups[g];

		thrift_struct(thrift, 0);
		thrift_list(thrift, 1, THRIFT_STRUCT, table->field_count);
		for (unsigned f = 0; f < table->field_count; f++)
			put_chunk(thrift, &table->fields[f],
			    &parquet->chunks[g * table->field_count + f]);
		thrift_int(thrift, 2, THRIFT_I64, (int64_t)group->bytes);
		thrift_int(thrift, 3, THRIFT_I64, (int64_t)group->rows);
		thrift_struct_end(thrift);
	}
}

static int write_footer(struct parquet *parquet, size_t rows)
{
	struct thrift thrift = thrift_begin(&parquet->out);
	uint32_t len;

	thrift_int(&thrift, 1, THRIFT_I32, FILE_VERSION);
	put_schema(&thrift, parquet->table);
	thrift_int(&thrift, 3, THRIFT_I64, (int64_t)rows);
	put_groups(&thrift, parquet);
	thrift_binary(&thrift, 6, CREATOR, strlen(CREATOR));
	/* The least and the most value are in the order of the column's type. */
	thrift_list(&thrift, 7, THRIFT_STRUCT, parquet->table->field_count);
	for (unsigned i = 0; i < parquet->table->field_count; i++) {
		thrift_struct(&thrift, 0);
		thrift_struct(&thrift, 1);
		thrift_struct_end(&thrift);
		thrift_struct_end(&thrift);
	}
	thrift_end(&thrift);
	len = (uint32_t)parquet->out.len;
	buf_append(&parquet->out, &len, sizeof(len));
	buf_append(&parquet->out, MAGIC, MAGIC_LEN);
	return write_out(parquet);
}

/* ---- the file ------------------------------------------------------------------------------ */

static int prepare(struct parquet *parquet, size_t count)
{
	size_t rows = group_rows_max(parquet->table);
	size_t size = 0;

	for (unsigned f = 0; f < parquet->table->field_count; f++)
		size += chunk_value_size(parquet->table->fields[f].type);
	parquet->columns = malloc(size * (count < rows ? count : rows) + 1);
	parquet->writer = chunk_writer_new();
	return parquet->columns && parquet->writer ? ST_OK : -ENOMEM;
}

static int write_file(struct parquet *parquet, const uint8_t *rows, size_t count)
{
	int ret = prepare(parquet, count);

	buf_append(&parquet->out, MAGIC, MAGIC_LEN);
	if (!ret)
		ret = write_out(parquet);
	for (size_t done = 0; !ret && done < count;) {
		const uint8_t *at = rows + done * parquet->table->size;
		size_t n = group_rows(parquet->table, at, count - done);

		ret = write_group(parquet, at, n);
		done += n;
	}
	if (!ret)
		ret = write_footer(parquet, count);
	if (!ret && fsync(parquet->fd) != 0)
		ret = -errno;
	return ret;
}

int parquet_write(const char *path, const struct record_table *table, const void *rows,
    size_t count, uint64_t *ret_bytes, uint32_t *ret_crc, struct err *err)
{
	struct parquet parquet = {.table = table};
	int ret;

	parquet.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	ret = parquet.fd < 0 ? -errno : write_file(&parquet, rows, count);
	if (parquet.fd >= 0 && close(parquet.fd) != 0 && !ret)
		ret = -errno;
	chunk_writer_free(parquet.writer);
	free(parquet.columns);
	buf_fini(&parquet.out);
	free(parquet.groups);
	free(parquet.chunks);
	if (ret)
		return err_set(err, ret, "cannot write %s: %s", path, st_text(ret));
	*ret_bytes = parquet.offset;
	*ret_crc = parquet.crc;
	return ST_OK;
}
