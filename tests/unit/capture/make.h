/*
 * Makes capture files in memory for the tests, byte by byte and in either byte order, and reads
 * them back as a list of packets.
 */
#pragma once

#include "base/wr.h"
#include "capture/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAKE_MAX (1u << 20)
#define READ_MAX 4096

struct make {
	uint8_t *data;
	struct wr w;
	bool big;
	size_t block_at;
};

/* The first 40 bytes of an IPv4 TCP packet from 192.0.2.1 to 198.51.100.2, ports 4096 → 23. */
static const uint8_t make_ipv4_syn[] = {
    0x45,
    0,
    0,
    40,
    0xd4,
    0x31,
    0,
    0,
    64,
    6,
    0,
    0,
    192,
    0,
    2,
    1,
    198,
    51,
    100,
    2,
    0x10,
    0,
    0,
    23,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    0,
    0x50,
    2,
    4,
    0,
    0,
    0,
    0,
    0,
};

static inline struct make make_new(bool big)
{
	struct make m = {.data = malloc(MAKE_MAX), .big = big};

	assert_non_null(m.data);
	m.w = wr_init(m.data, MAKE_MAX);
	return m;
}

static inline void make_free(struct make *m)
{
	free(m->data);
}

static inline size_t make_len(const struct make *m)
{
	assert_false(m->w.bad);
	return wr_len(&m->w);
}

static inline void put16(struct make *m, uint16_t v)
{
	if (m->big)
		wr_u16be(&m->w, v);
	else
		wr_u16le(&m->w, v);
}

static inline void put32(struct make *m, uint32_t v)
{
	if (m->big)
		wr_u32be(&m->w, v);
	else
		wr_u32le(&m->w, v);
}

static inline void put64(struct make *m, uint64_t v)
{
	if (m->big)
		wr_u64be(&m->w, v);
	else
		wr_u64le(&m->w, v);
}

static inline void put_zeros(struct make *m, size_t n)
{
	while (n--)
		wr_u8(&m->w, 0);
}

static inline void put_pcap(struct make *m, uint32_t magic, uint32_t version, uint32_t network)
{
	put32(m, magic);
	put16(m, (uint16_t)(version >> 16));
	put16(m, (uint16_t)version);
	put32(m, 0);
	put32(m, 0);
	put32(m, 64); /* a snap length that records below exceed: it is advisory */
	put32(m, network);
}

#define PCAP_US 0xa1b2c3d4u
#define PCAP_NS 0xa1b23c4du
#define PCAP_2_4 0x00020004u

/* A record whose captured bytes are `fill` repeated. */
static inline void put_record(
    struct make *m, uint32_t s, uint32_t fraction, uint32_t len, uint32_t wire_len, uint8_t fill)
{
	put32(m, s);
	put32(m, fraction);
	put32(m, len);
	put32(m, wire_len);
	for (uint32_t i = 0; i < len; i++)
		wr_u8(&m->w, fill);
}

/* pcapng: a block between begin and end gets its lengths and padding. */
static inline void begin_block(struct make *m, uint32_t type)
{
	m->block_at = wr_len(&m->w);
	put32(m, type);
	put32(m, 0);
}

static inline void end_block(struct make *m)
{
	struct wr back = m->w;
	uint32_t len;

	while ((wr_len(&m->w) - m->block_at) % 4)
		wr_u8(&m->w, 0);
	len = (uint32_t)(wr_len(&m->w) - m->block_at + 4);
	put32(m, len);
	back = m->w;
	m->w.pos = m->data + m->block_at + 4;
	put32(m, len);
	m->w.pos = back.pos;
}

static inline void put_section(struct make *m)
{
	begin_block(m, 0x0a0d0d0a);
	put32(m, 0x1a2b3c4d);
	put16(m, 1);
	put16(m, 0);
	put64(m, UINT64_MAX);
	end_block(m);
}

#define NO_TSRESOL (-1)

static inline void put_interface(
    struct make *m, uint16_t linktype, uint32_t snap_len, int tsresol, int64_t offset_s)
{
	begin_block(m, 1);
	put16(m, linktype);
	put16(m, 0);
	put32(m, snap_len);
	if (tsresol != NO_TSRESOL) {
		put16(m, 9);
		put16(m, 1);
		wr_u8(&m->w, (uint8_t)tsresol);
		put_zeros(m, 3);
	}
	if (offset_s) {
		put16(m, 14);
		put16(m, 8);
		put64(m, (uint64_t)offset_s);
	}
	if (tsresol != NO_TSRESOL || offset_s)
		put32(m, 0);
	end_block(m);
}

static inline void put_enhanced(
    struct make *m, uint32_t interface, uint64_t ticks, uint32_t len, uint8_t fill)
{
	begin_block(m, 6);
	put32(m, interface);
	put32(m, (uint32_t)(ticks >> 32));
	put32(m, (uint32_t)ticks);
	put32(m, len);
	put32(m, len);
	for (uint32_t i = 0; i < len; i++)
		wr_u8(&m->w, fill);
	end_block(m);
}

/* Everything one capture gave; data is copied as its first byte only. */
struct result {
	size_t count;
	struct capture_packet packets[READ_MAX];
	uint8_t first[READ_MAX];
	struct capture_file file;
};

/* Reads to the end in batches of `batch`; every view is read from end to end. */
static inline void read_all(struct capture *capture, size_t batch, struct result *ret_result)
{
	struct capture_packet packets[CAPTURE_BATCH_MAX];
	const struct capture_file *file = NULL;
	size_t file_count;
	size_t n;

	memset(ret_result, 0, sizeof(*ret_result));
	while ((n = capture_next(capture, packets, batch, &file))) {
		assert_true(n <= batch);
		for (size_t i = 0; i < n; i++) {
			assert_true(ret_result->count < READ_MAX);
			for (uint32_t k = 1; k < packets[i].len && packets[i].linktype != 101; k++)
				assert_int_equal(packets[i].data[k], packets[i].data[0]);
			ret_result->packets[ret_result->count] = packets[i];
			ret_result->first[ret_result->count++] =
			    packets[i].len ? packets[i].data[0] : 0;
		}
	}
	file = capture_files(capture, &file_count);
	assert_true(file_count >= 1);
	ret_result->file = file[0];
	assert_int_equal(capture_next(capture, packets, batch, &file), 0);
}

static inline struct result *read_memory(const void *data, size_t len, const char *filter)
{
	struct result *result = malloc(sizeof(*result));
	struct result *one = malloc(sizeof(*one));
	struct capture *capture = NULL;

	assert_non_null(result);
	assert_non_null(one);
	assert_int_equal(capture_open_memory(data, len, filter, &capture, NULL), ST_OK);
	read_all(capture, CAPTURE_BATCH_MAX, result);
	capture_close(capture);
	/* The batch size must not matter. */
	assert_int_equal(capture_open_memory(data, len, filter, &capture, NULL), ST_OK);
	read_all(capture, 1, one);
	assert_int_equal(one->count, result->count);
	assert_int_equal(one->file.error, result->file.error);
	assert_int_equal(one->file.error_offset, result->file.error_offset);
	capture_close(capture);
	free(one);
	return result;
}

static inline struct result *read_make(const struct make *m)
{
	return read_memory(m->data, make_len(m), NULL);
}

static inline void assert_error(const struct result *r, int code, uint64_t offset, const char *text)
{
	if (r->file.error != code || r->file.error_offset != offset ||
	    !strstr(r->file.error_text, text))
		print_error("%d at %llu: %s\n", r->file.error,
		    (unsigned long long)r->file.error_offset, r->file.error_text);
	assert_int_equal(r->file.error, code);
	assert_int_equal(r->file.error_offset, offset);
	assert_non_null(strstr(r->file.error_text, text));
}
