/*
 * Parquet's encodings; the contract is in encode.h.
 *
 * Apache Parquet format, Encodings.md: RLE/bit-packing hybrid, DELTA_BINARY_PACKED,
 * DELTA_LENGTH_BYTE_ARRAY, PLAIN.  The loops that see every value work on eight or 32 of them and
 * store whole words; nothing here knows a table or a file.
 */
#include "store/encode.h"

#include <stdbool.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Parquet is little endian, and so is every machine DuckDB's library is built for"
#endif

#define GROUP 8 /* bit-packed runs have multiples of so many values */
#define RUN_MIN 32 /* equal values that are worth ending a bit-packed run */
#define MINI 32 /* values of a miniblock */
#define MINIS 4
#define BLOCK (MINI * MINIS)

uint8_t *encode_varint(uint8_t *to, uint64_t value)
{
	while (value >= 0x80) {
		*to++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*to++ = (uint8_t)value;
	return to;
}

static uint8_t *put_zigzag(uint8_t *to, uint64_t value)
{
	return encode_varint(to, value << 1 ^ (uint64_t)((int64_t)value >> 63));
}

/* ---- RLE and bit-packing ------------------------------------------------------------------- */

size_t encode_runs_max(size_t count, unsigned width)
{
	/* A run of equal values costs at most what they would cost packed, but for the bytes that a
	 * long run's length has more; and the last word stored may stand over the end. */
	return (count + 2 * GROUP) * width / 8 + count / 1024 + 4 * ENCODE_VARINT_MAX
	    + sizeof(unsigned __int128);
}

static uint8_t *pack_group(uint8_t *to, const uint16_t *values, unsigned width)
{
	uint64_t low = 0;
	uint64_t high = 0;
	unsigned __int128 word;

	for (unsigned i = 0; i < GROUP / 2; i++) {
		low |= (uint64_t)values[i] << i * width;
		high |= (uint64_t)values[i + GROUP / 2] << i * width;
	}
	word = low | (unsigned __int128)high << GROUP / 2 * width;
	memcpy(to, &word, sizeof(word));
	return to + width;
}

/* Values from `from` on that equal the first of them. */
static size_t run_length(const uint16_t *values, size_t from, size_t count)
{
	size_t end = from + 1;

	while (end < count && values[end] == values[from])
		end++;
	return end - from;
}

static uint8_t *put_packed(uint8_t *to, const uint16_t *values, size_t count, unsigned width)
{
	size_t whole = count / GROUP;

	if (!count)
		return to;
	to = encode_varint(to, (count + GROUP - 1) / GROUP << 1 | 1);
	for (size_t i = 0; i < whole; i++)
		to = pack_group(to, values + i * GROUP, width);
	if (count % GROUP) {
		uint16_t last[GROUP] = {0};

		memcpy(last, values + whole * GROUP, count % GROUP * sizeof(*values));
		to = pack_group(to, last, width);
	}
	return to;
}

uint8_t *encode_runs(uint8_t *to, const uint16_t *values, size_t count, unsigned width)
{
	size_t packed = 0; /* first value that is not written */
	size_t at = 0;     /* packed + a multiple of GROUP */

	while (at < count) {
		size_t run = 0;

		if (values[at] == values[at + (at + 1 < count)])
			run = run_length(values, at, count);
		if (run < RUN_MIN && (run < count - at || run < GROUP)) {
			at += run < GROUP ? GROUP : run / GROUP * GROUP;
			continue;
		}
		to = put_packed(to, values + packed, at - packed, width);
		to = encode_varint(to, (uint64_t)run << 1);
		memcpy(to, &values[at], sizeof(values[at]));
		to += (width + 7) / 8;
		at += run;
		packed = at;
	}
	return packed < count ? put_packed(to, values + packed, count - packed, width) : to;
}

/* ---- deltas -------------------------------------------------------------------------------- */

size_t encode_deltas_max(size_t count)
{
	return (count + BLOCK) * sizeof(uint64_t) + (count / BLOCK + 1) * (ENCODE_VARINT_MAX + MINIS)
	    + 5 * ENCODE_VARINT_MAX;
}

static uint8_t *pack_mini(uint8_t *to, const uint64_t *values, unsigned width)
{
	uint64_t word = 0;
	unsigned filled = 0;

	for (unsigned i = 0; width && i < MINI; i++) {
		word |= values[i] << filled;
		filled += width;
		if (filled >= 64) {
			memcpy(to, &word, sizeof(word));
			to += sizeof(word);
			filled -= 64;
			word = filled ? values[i] >> (width - filled) : 0;
		}
	}
	/* 32 values are a multiple of four bytes. */
	memcpy(to, &word, sizeof(word));
	return to + filled / 8;
}

/* One block: the least delta, the miniblocks' widths, what the deltas have above the least. */
static uint8_t *put_block(uint8_t *to, uint64_t deltas[BLOCK], size_t count)
{
	uint64_t least = deltas[0];
	uint8_t *widths;

	for (size_t i = 1; i < count; i++)
		least = (int64_t)deltas[i] < (int64_t)least ? deltas[i] : least;
	to = put_zigzag(to, least);
	widths = to;
	to += MINIS;
	for (size_t i = 0; i < BLOCK; i++)
		deltas[i] = i < count ? deltas[i] - least : 0;
	for (size_t m = 0; m < MINIS; m++) {
		uint64_t any = 0;

		for (size_t i = 0; i < MINI; i++)
			any |= deltas[m * MINI + i];
		widths[m] = (uint8_t)encode_width(any);
		if (any)
			to = pack_mini(to, deltas + m * MINI, widths[m]);
	}
	return to;
}

uint8_t *encode_deltas(uint8_t *to, const uint64_t *values, size_t count, unsigned bits)
{
	uint64_t deltas[BLOCK];

	to = encode_varint(to, BLOCK);
	to = encode_varint(to, MINIS);
	to = encode_varint(to, count);
	to = put_zigzag(to, !count ? 0 : bits == 32 ? (uint64_t)(int32_t)values[0] : values[0]);
	for (size_t at = 1; at < count; at += BLOCK) {
		size_t n = count - at < BLOCK ? count - at : BLOCK;

		/* The arithmetic wraps around at the type's width. */
		if (bits == 32)
			for (size_t i = 0; i < n; i++)
				deltas[i] = (uint64_t)(int32_t)(values[at + i] - values[at + i - 1]);
		else
			for (size_t i = 0; i < n; i++)
				deltas[i] = values[at + i] - values[at + i - 1];
		to = put_block(to, deltas, n);
	}
	return to;
}

/* ---- byte arrays and plain values ------------------------------------------------------- */

size_t encode_texts_max(size_t count, size_t bytes)
{
	return encode_deltas_max(count) + bytes;
}

uint8_t *encode_texts(uint8_t *to, const struct record_text *texts, size_t count,
    uint64_t *lengths)
{
	for (size_t i = 0; i < count; i++)
		lengths[i] = texts[i].len;
	to = encode_deltas(to, lengths, count, 32);
	for (size_t i = 0; i < count; i++) {
		if (texts[i].len)
			memcpy(to, texts[i].data, texts[i].len);
		to += texts[i].len;
	}
	return to;
}

uint8_t *encode_plain(uint8_t *to, const uint64_t *values, size_t count, unsigned width)
{
	for (size_t i = 0; i < count; i++, to += width)
		memcpy(to, &values[i], width);
	return to;
}

uint8_t *encode_plain_text(uint8_t *to, const void *data, uint32_t len)
{
	memcpy(to, &len, sizeof(len));
	to += sizeof(len);
	if (len)
		memcpy(to, data, len);
	return to + len;
}
