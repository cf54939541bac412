/*
 * Packets of conversations, decoded and given to streams, and a sink that keeps all it hears.
 * What the tests of stream/ share.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rd.h"
#include "base/wr.h"
#include "fingerprint/marks.h"
#include "stream/internal.h"

#define TALK_START_US 1790812800000000ll
#define TALK_STREAMS 64
#define TALK_BYTES_MAX (1u << 20)
#define FIN DECODE_TCP_FIN
#define SYN DECODE_TCP_SYN
#define RST DECODE_TCP_RST
#define PSH DECODE_TCP_PSH
#define ACK DECODE_TCP_ACK

struct heard {
	struct stream opened;
	struct stream last;
	uint8_t *bytes[2]; /* '?' for each byte of a gap */
	size_t len[2];
	uint64_t gaps[2];
	uint64_t gap_bytes[2];
	int ends;
	enum stream_end end;
	char order[64]; /* which side's data came, as a string of C, S, c, s (small: a gap) */
};

struct talk {
	struct streams *streams;
	struct stream_sink sink;
	struct heard heard[TALK_STREAMS];
	size_t heard_count;
	int64_t time_us;
	struct capture_packet views[CAPTURE_BATCH_MAX];
	struct decode_packet packets[CAPTURE_BATCH_MAX];
	uint8_t *frames[CAPTURE_BATCH_MAX];
	size_t count; /* in the batch that is being made */
	bool gather;  /* batches are sent by talk_send, not at once */
};

/* A packet in words; ports and addresses are turned round for the server. */
struct say {
	bool server;
	uint8_t flags;
	uint32_t seq;
	uint32_t ack;
	const void *data;
	uint32_t len;
	uint32_t cut; /* bytes of the end that the capture has not */
	uint16_t client_port;
	uint8_t proto; /* 0: TCP */
	bool v6;
	const char *options; /* of TCP, 4 bytes each */
	uint32_t options_len;
	uint8_t ip_options_len;
	uint16_t ip_id;
	uint8_t ttl;
	uint16_t window;
	uint16_t urgent;
	bool bad_offset; /* of the data, in the TCP header */
};

static inline void talk_open(void *arg, const struct stream *stream, void *context)
{
	struct talk *t = arg;
	struct heard *h = &t->heard[t->heard_count];
	uint32_t *number = context;

	assert_true(t->heard_count < TALK_STREAMS);
	assert_int_equal(*number, 0);
	*number = (uint32_t)++t->heard_count;
	h->opened = *stream;
	for (int i = 0; i < 2; i++)
		h->bytes[i] = calloc(1, TALK_BYTES_MAX);
}

static inline struct heard *talk_heard(struct talk *t, const struct stream *stream, void *context)
{
	struct heard *h = &t->heard[*(uint32_t *)context - 1];

	assert_true(*(uint32_t *)context > 0);
	assert_int_equal(h->ends, 0);
	assert_true(ip_equal(h->opened.client, stream->client));
	assert_int_equal(h->opened.client_port, stream->client_port);
	h->last = *stream;
	return h;
}

static inline void talk_order(struct heard *h, char c)
{
	size_t n = strlen(h->order);

	if (n + 1 < sizeof(h->order) && (n == 0 || h->order[n - 1] != c))
		h->order[n] = c;
}

static inline void talk_data(void *arg, const struct stream *stream, void *context,
    enum stream_side side, const uint8_t *data, size_t len)
{
	struct heard *h = talk_heard(arg, stream, context);

	assert_true(h->len[side] + len <= TALK_BYTES_MAX);
	memcpy(h->bytes[side] + h->len[side], data, len);
	h->len[side] += len;
	talk_order(h, side == STREAM_CLIENT ? 'C' : 'S');
}

static inline void talk_gap(void *arg, const struct stream *stream, void *context,
    enum stream_side side, uint64_t bytes)
{
	struct heard *h = talk_heard(arg, stream, context);

	h->gaps[side]++;
	h->gap_bytes[side] += bytes;
	if (bytes < TALK_BYTES_MAX - h->len[side]) {
		memset(h->bytes[side] + h->len[side], '?', bytes);
		h->len[side] += bytes;
	}
	talk_order(h, side == STREAM_CLIENT ? 'c' : 's');
}

static inline void talk_close(void *arg, const struct stream *stream, void *context,
    enum stream_end end)
{
	struct heard *h = talk_heard(arg, stream, context);

	h->ends++;
	h->end = end;
}

static inline void talk_begin(struct talk *t, const struct stream_options *options)
{
	struct stream_options all = options ? *options : (struct stream_options){0};

	memset(t, 0, sizeof(*t));
	t->sink = (struct stream_sink){talk_open, talk_data, talk_gap, talk_close};
	t->time_us = TALK_START_US;
	all.sink = &t->sink;
	all.arg = t;
	all.context_size = sizeof(uint32_t);
	if (!all.streams_max)
		all.streams_max = 1000;
	assert_int_equal(streams_new(&all, &t->streams), ST_OK);
}

static inline void talk_flush_batch(struct talk *t)
{
	decode_batch(t->views, t->count, t->packets);
	streams_add(t->streams, t->packets, t->count);
	/* What the streams keep must not be borrowed: the batch is destroyed. */
	for (size_t i = 0; i < t->count; i++) {
		memset(t->frames[i], 0xee, t->views[i].len);
		free(t->frames[i]);
	}
	memset(t->packets, 0xee, sizeof(t->packets));
	t->count = 0;
}

static inline void talk_end(struct talk *t)
{
	talk_flush_batch(t);
	streams_flush(t->streams);
	for (size_t i = 0; i < t->heard_count; i++) {
		assert_int_equal(t->heard[i].ends, 1);
		for (int k = 0; k < 2; k++)
			free(t->heard[i].bytes[k]);
	}
	assert_int_equal(t->streams->table.used, 0);
	assert_int_equal(t->streams->hold.used, 0);
	streams_free(t->streams);
}

static inline void talk_put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void talk_put32(uint8_t *p, uint32_t v)
{
	talk_put16(p, v >> 16);
	talk_put16(p + 2, v & 0xffff);
}

/* Writes the IP header; returns its length. */
static inline size_t talk_ip(uint8_t *f, const struct say *say, unsigned proto, size_t payload_len)
{
	size_t len = 40;
	size_t side = say->server ? 4 : 0;

	if (say->v6) {
		f[0] = 0x60;
		talk_put16(f + 4, (unsigned)payload_len);
		f[6] = (uint8_t)proto;
		f[7] = say->ttl ? say->ttl : 64;
		talk_put32(f + 8, 0x20010db8);
		talk_put32(f + 24, 0x20010db8);
		f[23] = say->server ? 2 : 1;
		f[39] = say->server ? 1 : 2;
		return len;
	}
	len = 20u + say->ip_options_len;
	f[0] = (uint8_t)(0x40 | len / 4);
	talk_put16(f + 2, (unsigned)(len + payload_len));
	talk_put16(f + 4, say->ip_id);
	f[8] = say->ttl ? say->ttl : 64;
	f[9] = (uint8_t)proto;
	talk_put32(f + 12 + side, 0xc6336407);
	talk_put32(f + 16 - side, 0xc0000201);
	memset(f + 20, 1, say->ip_options_len);
	return len;
}

static inline void talk_say(struct talk *t, const struct say *say)
{
	unsigned proto = say->proto ? say->proto : DECODE_PROTO_TCP;
	size_t header_len = proto == DECODE_PROTO_TCP ? 20 + say->options_len : 8;
	uint8_t *f = calloc(1, 60 + header_len + say->len + 1);
	size_t at = talk_ip(f, say, proto, header_len + say->len);
	uint16_t client_port = say->client_port ? say->client_port : 40000;

	talk_put16(f + at, say->server ? 80 : client_port);
	talk_put16(f + at + 2, say->server ? client_port : 80);
	if (proto == DECODE_PROTO_TCP) {
		talk_put32(f + at + 4, say->seq);
		talk_put32(f + at + 8, say->ack);
		f[at + 12] = (uint8_t)(say->bad_offset ? 0xf0 : header_len / 4 << 4);
		f[at + 13] = say->flags;
		talk_put16(f + at + 14, say->window);
		talk_put16(f + at + 18, say->urgent);
		if (say->options_len)
			memcpy(f + at + 20, say->options, say->options_len);
	} else {
		talk_put16(f + at + 4, (unsigned)(8 + say->len));
	}
	at += header_len;
	if (say->len)
		memcpy(f + at, say->data, say->len);
	t->time_us += 1000;
	t->views[t->count] = (struct capture_packet){f, (uint32_t)(at + say->len - say->cut),
	    (uint32_t)(at + say->len), t->time_us, 101, 0};
	t->frames[t->count++] = f;
	if (!t->gather || t->count == CAPTURE_BATCH_MAX)
		talk_flush_batch(t);
}

#define SAY(t, ...) talk_say(t, &(struct say){__VA_ARGS__})

/* The bytes of one side as text equal this. */
static inline void talk_check(const struct heard *h, enum stream_side side, const char *text)
{
	assert_int_equal(h->len[side], strlen(text));
	assert_memory_equal(h->bytes[side], text, strlen(text));
}

/* SYN, SYN-ACK, ACK from these initial numbers. */
static inline void talk_shake(struct talk *t, uint32_t client_isn, uint32_t server_isn)
{
	SAY(t, .flags = SYN, .seq = client_isn);
	SAY(t, .server = true, .flags = SYN | ACK, .seq = server_isn, .ack = client_isn + 1);
	SAY(t, .flags = ACK, .seq = client_isn + 1, .ack = server_isn + 1);
}

static inline void talk_text(struct talk *t, bool server, uint32_t seq, uint32_t ack,
    const char *text)
{
	SAY(t, .server = server, .flags = ACK | PSH, .seq = seq, .ack = ack, .data = text,
	    .len = (uint32_t)strlen(text));
}
