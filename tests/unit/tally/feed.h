/*
 * Packets into a tally, rows out: what the tests of tally/ share.
 */
#pragma once

#include "../decode/frame.h"

#include "base/civil.h"
#include "tally/summary.h"
#include "tally/tally.h"

/* 2026-10-01T00:00:00Z. */
#define FEED_START_US (1790812800ll * CIVIL_US_PER_SECOND)
#define FEED_SRC 0xc6336400u
#define FEED_DST 0xc0000200u

struct feed {
	struct tools *tools;
	struct tally *tally;
	struct summary *summary; /* rows go there too when set */
	struct record_flow *rows;
	size_t count;
	size_t capacity;
	bool keep; /* rows in `rows` */
	uint64_t packets; /* sum over all rows, kept or not */
	uint64_t row_count;
	int refuse; /* returned by the sink */
	struct decode_packet batch[CAPTURE_BATCH_MAX];
	size_t batch_count;
};

static inline int feed_take(void *arg, const struct tally_rows *rows)
{
	struct feed *f = arg;

	if (f->refuse)
		return f->refuse;
	assert_true(rows->count > 0 && rows->count <= TALLY_ROWS_BATCH);
	for (uint32_t i = 0; i < rows->count; i++) {
		struct record_flow flow;

		tally_row_flow(rows, i, &flow);
		f->packets += flow.packets;
		f->row_count++;
		if (!f->keep)
			continue;
		if (f->count == f->capacity) {
			f->capacity = f->capacity ? f->capacity * 2 : 64;
			f->rows = realloc(f->rows, f->capacity * sizeof(*f->rows));
			assert_non_null(f->rows);
		}
		f->rows[f->count++] = flow;
	}
	return f->summary ? summary_add(f->summary, rows) : ST_OK;
}

/* options: sensor, networks and known destinations; the rest is set here. */
static inline void feed_open(struct feed *f, const struct tally_options *options)
{
	struct tally_options all = options ? *options : (struct tally_options){0};

	memset(f, 0, sizeof(*f));
	f->keep = true;
	assert_int_equal(tools_new(NULL, &f->tools, NULL), ST_OK);
	all.tools = f->tools;
	all.sink = feed_take;
	all.sink_arg = f;
	assert_int_equal(tally_new(&all, &f->tally, NULL), ST_OK);
}

static inline void feed_batch(struct feed *f)
{
	if (f->batch_count)
		assert_int_equal(tally_add(f->tally, f->batch, f->batch_count), ST_OK);
	f->batch_count = 0;
}

static inline void feed_put(struct feed *f, const struct decode_packet *p)
{
	f->batch[f->batch_count++] = *p;
	if (f->batch_count == CAPTURE_BATCH_MAX)
		feed_batch(f);
}

static inline void feed_flush(struct feed *f)
{
	feed_batch(f);
	assert_int_equal(tally_flush(f->tally), ST_OK);
}

static inline void feed_close(struct feed *f)
{
	tally_free(f->tally);
	tools_free(f->tools);
	free(f->rows);
}

/* A decoded packet as decode_batch leaves it, without bytes: 20 of TCP with no options. */
static inline struct decode_packet feed_packet(int64_t second, uint32_t src, uint32_t dst,
    unsigned proto, unsigned sport, unsigned dport)
{
	static const uint8_t bytes[48] = {[32] = 0x50};

	return (struct decode_packet){
		.time_us = FEED_START_US + second * CIVIL_US_PER_SECOND,
		.src = ip_from_v4(src),
		.dst = ip_from_v4(dst),
		.proto = (uint8_t)proto,
		.sport = (uint16_t)sport,
		.dport = (uint16_t)dport,
		.flags = DECODE_V4 | DECODE_TRANSPORT,
		.ip_len = 40,
		.ip_id = 0xf001, /* no mark by chance: dst ^ dport ^ seq stays below */
		.ttl = 50,
		.linktype = LINK_RAW,
		.seq = 0x01020304,
		.transport_offset = 20,
		.payload_offset = 40,
		.data = bytes,
		.data_len = 40,
	};
}

static inline struct decode_packet feed_tcp(int64_t second, uint32_t src, uint32_t dst,
    unsigned sport, unsigned dport, unsigned tcp_flags)
{
	struct decode_packet p = feed_packet(second, src, dst, DECODE_PROTO_TCP, sport, dport);

	p.tcp_flags = (uint8_t)tcp_flags;
	return p;
}

/* The only row with these key fields; fails when there is none or more than one. */
static inline const struct record_flow *feed_find(const struct feed *f, int64_t minute,
    uint32_t src, unsigned proto, unsigned port, enum record_class class)
{
	const struct record_flow *found = NULL;

	for (size_t i = 0; i < f->count; i++) {
		const struct record_flow *r = &f->rows[i];

		if (r->time != FEED_START_US + minute * CIVIL_US_PER_MINUTE
		    || r->src_lo != ip_from_v4(src).lo || r->src_hi || r->proto != proto
		    || r->port != port || r->class != class)
			continue;
		assert_null(found);
		found = r;
	}
	assert_non_null(found);
	return found;
}
