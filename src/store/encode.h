/*
 * Parquet's encodings of a column's values, into memory that the caller made large enough.
 *
 * Every function writes at `to` and returns the end of what it wrote.
 */
#pragma once

#include "record/record.h"

#include <stddef.h>
#include <stdint.h>

/* Dictionary positions and definition levels have so many bits at most. */
#define ENCODE_RUNS_WIDTH_MAX 16

/* Bits that a value up to max needs. */
static inline unsigned encode_width(uint64_t max)
{
	return max ? 64 - (unsigned)__builtin_clzll(max) : 0;
}

/* LEB128: seven bits a byte, at most so many bytes. */
#define ENCODE_VARINT_MAX 10
uint8_t *encode_varint(uint8_t *to, uint64_t value);

/* RLE / bit-packing hybrid of values below 1 << width, width 1 … ENCODE_RUNS_WIDTH_MAX. */
size_t encode_runs_max(size_t count, unsigned width);
uint8_t *encode_runs(uint8_t *to, const uint16_t *values, size_t count, unsigned width);

/* DELTA_BINARY_PACKED of INT32 (bits = 32, the low halves count) or INT64 (bits = 64). */
size_t encode_deltas_max(size_t count);
uint8_t *encode_deltas(uint8_t *to, const uint64_t *values, size_t count, unsigned bits);

/* DELTA_LENGTH_BYTE_ARRAY; `lengths` is the caller's room for count numbers. */
size_t encode_texts_max(size_t count, size_t bytes);
uint8_t *encode_texts(uint8_t *to, const struct record_text *texts, size_t count,
    uint64_t *lengths);

/* PLAIN: count values of width bytes, 4 or 8. */
uint8_t *encode_plain(uint8_t *to, const uint64_t *values, size_t count, unsigned width);

/* PLAIN of one byte array. */
uint8_t *encode_plain_text(uint8_t *to, const void *data, uint32_t len);
