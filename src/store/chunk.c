/*
 * Column chunks; the contract is in chunk.h.
 *
 * Apache Parquet format (parquet.thrift): data pages of version 1.  Which encoding a column gets is
 * decided by its values in this row group: a dictionary where that is shorter, else deltas, whose
 * bits hold nothing that zstd could find.
 */
#include "store/chunk.h"

#include "store/distinct.h"
#include "store/encode.h"
#include "store/thrift.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define ZSTD_LEVEL 1
#define PAGE_MAX INT32_MAX /* the header's lengths are signed */

/* Memory that grows and keeps nothing. */
struct room {
	uint8_t *data;
	size_t cap;
};

struct chunk_writer {
	struct distinct distinct;
	uint64_t values[CHUNK_ROWS_MAX];
	uint16_t positions[CHUNK_ROWS_MAX];
	uint16_t levels[CHUNK_ROWS_MAX]; /* 1: not null */
	size_t present;                  /* values that are not null */
	uint64_t least;
	uint64_t most;
	struct room body;
	struct room packed;
	ZSTD_CCtx *zstd;
};

enum page_type {
	PAGE_DATA = 0,
	PAGE_DICTIONARY = 2,
};

struct chunk_writer *chunk_writer_new(void)
{
	struct chunk_writer *writer = malloc(sizeof(*writer));

	if (!writer)
		return NULL;
	writer->body = (struct room){0};
	writer->packed = (struct room){0};
	writer->zstd = ZSTD_createCCtx();
	if (!writer->zstd) {
		free(writer);
		return NULL;
	}
	return writer;
}

void chunk_writer_free(struct chunk_writer *writer)
{
	if (!writer)
		return;
	free(writer->body.data);
	free(writer->packed.data);
	(void)ZSTD_freeCCtx(writer->zstd); /* always 0 */
	free(writer);
}

static bool make_room(struct room *room, size_t need)
{
	uint8_t *data;

	if (need <= room->cap)
		return true;
	data = malloc(need);
	if (!data)
		return false;
	free(room->data);
	*room = (struct room){data, need};
	return true;
}

enum chunk_type chunk_type(enum record_type type)
{
	switch (type) {
	case RECORD_U8:
	case RECORD_U16:
	case RECORD_U32:
	case RECORD_DATE:
		return CHUNK_INT32;
	case RECORD_U64:
	case RECORD_U64NULL:
	case RECORD_I64:
	case RECORD_TIME:
		return CHUNK_INT64;
	case RECORD_CODE:
	case RECORD_TEXT:
	case RECORD_BLOB:
		return CHUNK_BYTES;
	}
	return CHUNK_BYTES;
}

size_t chunk_value_size(enum record_type type)
{
	switch (type) {
	case RECORD_U8:
		return sizeof(uint8_t);
	case RECORD_U16:
		return sizeof(uint16_t);
	case RECORD_U32:
	case RECORD_DATE:
		return sizeof(uint32_t);
	case RECORD_U64:
	case RECORD_U64NULL:
	case RECORD_I64:
	case RECORD_TIME:
		return sizeof(uint64_t);
	case RECORD_CODE:
		return 2;
	case RECORD_TEXT:
	case RECORD_BLOB:
		return sizeof(struct record_text);
	}
	return 0;
}

/* ---- pages --------------------------------------------------------------------------------- */

static void put_header(struct buf *out, enum page_type type, enum chunk_encoding encoding,
    size_t values, size_t unpacked, size_t stored)
{
	struct thrift thrift = thrift_begin(out);

	thrift_int(&thrift, 1, THRIFT_I32, type);
	thrift_int(&thrift, 2, THRIFT_I32, (int64_t)unpacked);
	thrift_int(&thrift, 3, THRIFT_I32, (int64_t)stored);
	if (type == PAGE_DATA) {
		thrift_struct(&thrift, 5);
		thrift_int(&thrift, 1, THRIFT_I32, (int64_t)values);
		thrift_int(&thrift, 2, THRIFT_I32, encoding);
		thrift_int(&thrift, 3, THRIFT_I32, CHUNK_RLE); /* of the definition levels */
		thrift_int(&thrift, 4, THRIFT_I32, CHUNK_RLE); /* of the repetition levels */
	} else {
		thrift_struct(&thrift, 7);
		thrift_int(&thrift, 1, THRIFT_I32, (int64_t)values);
		thrift_int(&thrift, 2, THRIFT_I32, encoding);
	}
	thrift_struct_end(&thrift);
	thrift_end(&thrift);
}

/* The page whose content ends at `end` of the body. */
static int put_page(struct chunk_writer *writer, enum page_type type,
    enum chunk_encoding encoding, size_t values, const uint8_t *end, struct buf *out,
    struct chunk *chunk)
{
	const uint8_t *data = writer->body.data;
	size_t unpacked = (size_t)(end - data);
	size_t stored = unpacked;
	size_t start = out->len;

	if (unpacked > PAGE_MAX)
		return ST_LIMIT;
	if (chunk->codec == CHUNK_ZSTD) {
		if (!make_room(&writer->packed, ZSTD_compressBound(unpacked)))
			return -ENOMEM;
		stored = ZSTD_compressCCtx(writer->zstd, writer->packed.data, writer->packed.cap,
		    data, unpacked, ZSTD_LEVEL);
		if (ZSTD_isError(stored) || stored > PAGE_MAX)
			return ST_LIMIT;
		data = writer->packed.data;
	}
	put_header(out, type, encoding, values, unpacked, stored);
	chunk->unpacked += out->len - start + unpacked;
	buf_append(out, data, stored);
	chunk->stored += out->len - start;
	return out->failed ? -ENOMEM : ST_OK;
}

static unsigned position_width(const struct distinct *distinct)
{
	unsigned width = encode_width(distinct->count - 1);

	return width ? width : 1;
}

/* Room for the levels and `size` bytes; returns where the values begin, NULL without memory. */
static uint8_t *begin_data(struct chunk_writer *writer, enum record_type type, size_t count,
    size_t size)
{
	uint32_t len;
	uint8_t *to;

	if (!make_room(&writer->body, sizeof(len) + encode_runs_max(count, 1) + size))
		return NULL;
	to = writer->body.data;
	if (type != RECORD_U64NULL)
		return to;
	to = encode_runs(to + sizeof(len), writer->levels, count, 1);
	len = (uint32_t)((size_t)(to - writer->body.data) - sizeof(len));
	memcpy(writer->body.data, &len, sizeof(len));
	return to;
}

/* The data page of a chunk whose dictionary page is written. */
static int put_positions(struct chunk_writer *writer, enum record_type type, size_t count,
    struct buf *out, struct chunk *chunk)
{
	unsigned width = position_width(&writer->distinct);
	uint8_t *to = begin_data(writer, type, count, 1 + encode_runs_max(count, width));

	if (!to)
		return -ENOMEM;
	*to++ = (uint8_t)width;
	to = encode_runs(to, writer->positions, writer->present, width);
	chunk->data = out->len;
	return put_page(writer, PAGE_DATA, CHUNK_DICTIONARY, count, to, out, chunk);
}

/* Compressing what says the same for every row gains nothing. */
static void choose_codec(const struct distinct *distinct, struct chunk *chunk)
{
	chunk->encoding = CHUNK_DICTIONARY;
	chunk->codec = distinct->count == 1 ? CHUNK_UNCOMPRESSED : CHUNK_ZSTD;
}

/* ---- numbers ------------------------------------------------------------------------------- */

#define WIDEN(c_type)                                                                           \
	do {                                                                                    \
		const c_type *from = data;                                                      \
		for (size_t i = 0; i < count; i++)                                              \
			writer->values[i] = (uint64_t)from[i];                                  \
	} while (0)

static void load_nullable(struct chunk_writer *writer, const uint64_t *from, size_t count)
{
	size_t present = 0;

	for (size_t i = 0; i < count; i++) {
		writer->levels[i] = from[i] != 0;
		writer->values[present] = from[i];
		present += from[i] != 0;
	}
	writer->present = present;
}

static void load(struct chunk_writer *writer, enum record_type type, const void *data,
    size_t count)
{
	writer->present = count;
	switch (type) {
	case RECORD_U8:
		WIDEN(uint8_t);
		break;
	case RECORD_U16:
	case RECORD_CODE:
		WIDEN(uint16_t);
		break;
	case RECORD_U32:
		WIDEN(uint32_t);
		break;
	case RECORD_DATE:
		WIDEN(int32_t);
		break;
	case RECORD_U64NULL:
		load_nullable(writer, data, count);
		break;
	case RECORD_U64:
	case RECORD_I64:
	case RECORD_TIME:
	case RECORD_TEXT:
	case RECORD_BLOB:
		WIDEN(uint64_t);
		break;
	}
}

/* Ends of the values' range in the order of their type. */
static void find_range(struct chunk_writer *writer, enum record_type type)
{
	bool is_signed = type == RECORD_I64 || type == RECORD_TIME || type == RECORD_DATE;
	uint64_t flip = is_signed ? 1ull << 63 : 0;
	uint64_t least = writer->values[0] ^ flip;
	uint64_t most = least;

	for (size_t i = 1; i < writer->present; i++) {
		uint64_t value = writer->values[i] ^ flip;

		least = value < least ? value : least;
		most = value > most ? value : most;
	}
	writer->least = least ^ flip;
	writer->most = most ^ flip;
}

static int put_numbers(struct chunk_writer *writer, enum record_type type, size_t count,
    struct buf *out, struct chunk *chunk)
{
	unsigned bits = chunk_type(type) == CHUNK_INT32 ? 32 : 64;
	uint8_t *to = begin_data(writer, type, count, encode_deltas_max(writer->present));

	if (!to)
		return -ENOMEM;
	chunk->encoding = writer->present ? CHUNK_DELTAS : CHUNK_PLAIN;
	chunk->codec = CHUNK_UNCOMPRESSED;
	if (writer->present)
		to = encode_deltas(to, writer->values, writer->present, bits);
	chunk->data = out->len;
	return put_page(writer, PAGE_DATA, chunk->encoding, count, to, out, chunk);
}

static bool dictionary_is_shorter(const struct chunk_writer *writer, unsigned bits)
{
	const struct distinct *distinct = &writer->distinct;

	return writer->present * position_width(distinct) + distinct->count * bits
	    <= writer->present * (encode_width(writer->most - writer->least) + 1) + bits;
}

static int write_numbers(struct chunk_writer *writer, enum record_type type, size_t count,
    struct buf *out, struct chunk *chunk)
{
	unsigned size = chunk_type(type) == CHUNK_INT32 ? 4 : 8;
	const struct distinct *distinct = &writer->distinct;
	uint8_t *to;
	int ret;

	chunk->nulls = count - writer->present;
	if (!writer->present)
		return put_numbers(writer, type, count, out, chunk);
	find_range(writer, type);
	chunk->has_range = true;
	chunk->least = writer->least;
	chunk->most = writer->most;
	if (!distinct_values(&writer->distinct, writer->values, writer->present, writer->least,
	        writer->most, writer->positions)
	    || !dictionary_is_shorter(writer, 8 * size))
		return put_numbers(writer, type, count, out, chunk);
	choose_codec(distinct, chunk);
	if (!make_room(&writer->body, distinct->count * size))
		return -ENOMEM;
	to = encode_plain(writer->body.data, distinct->values, distinct->count, size);
	chunk->dictionary = out->len;
	ret = put_page(writer, PAGE_DICTIONARY, CHUNK_PLAIN, distinct->count, to, out, chunk);
	return ret ? ret : put_positions(writer, type, count, out, chunk);
}

/* ---- byte arrays --------------------------------------------------------------------------- */

static int put_texts(struct chunk_writer *writer, const struct record_text *texts, size_t count,
    size_t bytes, struct buf *out, struct chunk *chunk)
{
	uint8_t *to = begin_data(writer, RECORD_TEXT, count, encode_texts_max(count, bytes));

	if (!to)
		return -ENOMEM;
	chunk->encoding = CHUNK_DELTA_LENGTHS;
	chunk->codec = CHUNK_ZSTD;
	to = encode_texts(to, texts, count, writer->values);
	chunk->data = out->len;
	return put_page(writer, PAGE_DATA, chunk->encoding, count, to, out, chunk);
}

static int write_texts(struct chunk_writer *writer, enum record_type type,
    const struct record_text *texts, size_t count, struct buf *out, struct chunk *chunk)
{
	struct distinct *distinct = &writer->distinct;
	size_t bytes = 0;
	uint8_t *to;
	int ret;

	writer->present = count;
	for (size_t i = 0; i < count; i++)
		bytes += texts[i].len;
	if (!distinct_texts(distinct, texts, count, writer->positions)
	    || distinct->bytes + distinct->count * sizeof(uint32_t) > bytes + count)
		return put_texts(writer, texts, count, bytes, out, chunk);
	choose_codec(distinct, chunk);
	if (!make_room(&writer->body, distinct->bytes + distinct->count * sizeof(uint32_t)))
		return -ENOMEM;
	to = writer->body.data;
	for (size_t i = 0; i < distinct->count; i++)
		to = encode_plain_text(to, distinct->texts[i].data, distinct->texts[i].len);
	chunk->dictionary = out->len;
	ret = put_page(writer, PAGE_DICTIONARY, CHUNK_PLAIN, distinct->count, to, out, chunk);
	return ret ? ret : put_positions(writer, type, count, out, chunk);
}

/* Two letters, or none: a dictionary of numbers finds them faster than one of texts. */
static int write_codes(struct chunk_writer *writer, const char *codes, size_t count,
    struct buf *out, struct chunk *chunk)
{
	struct distinct *distinct = &writer->distinct;
	struct record_text *texts;
	int ret;

	if (distinct_values(distinct, writer->values, count, 0, UINT16_MAX, writer->positions)) {
		uint8_t *to;

		choose_codec(distinct, chunk);
		if (!make_room(&writer->body, distinct->count * (sizeof(uint32_t) + 2)))
			return -ENOMEM;
		to = writer->body.data;
		for (size_t i = 0; i < distinct->count; i++)
			to = encode_plain_text(to, &distinct->values[i],
			    (distinct->values[i] & 0xff) == 0 ? 0 : 2);
		chunk->dictionary = out->len;
		ret = put_page(writer, PAGE_DICTIONARY, CHUNK_PLAIN, distinct->count, to, out,
		    chunk);
		return ret ? ret : put_positions(writer, RECORD_CODE, count, out, chunk);
	}
	texts = malloc(count * sizeof(*texts));
	if (!texts)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		texts[i] = (struct record_text){codes + 2 * i, codes[2 * i] ? 2 : 0};
	ret = put_texts(writer, texts, count, 2 * count, out, chunk);
	free(texts);
	return ret;
}

int chunk_write(struct chunk_writer *writer, enum record_type type, const void *values,
    size_t count, struct buf *out, struct chunk *ret_chunk)
{
	struct chunk chunk = {.values = count};
	int ret;

	if (record_is_text(type)) {
		ret = write_texts(writer, type, values, count, out, &chunk);
	} else {
		load(writer, type, values, count);
		ret = type == RECORD_CODE ? write_codes(writer, values, count, out, &chunk)
		                          : write_numbers(writer, type, count, out, &chunk);
	}
	if (!ret)
		*ret_chunk = chunk;
	return ret;
}
