/*
 * Hand-made frames for the tests of the packet path: bytes put one after another, and headers
 * with the fields that the tests care about.  Nothing here is shared with the code under test.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode/decode.h"

#define FRAME_MAX 4096

#define LINK_ETHERNET 1
#define LINK_RAW 101

struct frame {
	uint8_t data[FRAME_MAX];
	size_t len;
};

static inline void frame_put(struct frame *f, const void *data, size_t len)
{
	assert_true(f->len + len <= FRAME_MAX);
	memcpy(f->data + f->len, data, len);
	f->len += len;
}

static inline void frame_u8(struct frame *f, unsigned v)
{
	uint8_t b = (uint8_t)v;

	frame_put(f, &b, 1);
}

static inline void frame_u16(struct frame *f, unsigned v)
{
	frame_u8(f, v >> 8);
	frame_u8(f, v);
}

static inline void frame_u32(struct frame *f, uint32_t v)
{
	frame_u16(f, v >> 16);
	frame_u16(f, v & 0xffff);
}

static inline void frame_fill(struct frame *f, unsigned value, size_t count)
{
	while (count--)
		frame_u8(f, value);
}

/* Bytes as hexadecimal text; blanks are allowed. */
static inline void frame_hex(struct frame *f, const char *text)
{
	static const char digits[] = "0123456789abcdef";

	while (*text) {
		const char *high;
		const char *low;

		if (*text == ' ') {
			text++;
			continue;
		}
		high = strchr(digits, text[0]);
		low = text[1] ? strchr(digits, text[1]) : NULL;
		assert_true(high && low);
		frame_u8(f, (unsigned)(high - digits) << 4 | (unsigned)(low - digits));
		text += 2;
	}
}

struct v4 {
	uint32_t src;
	uint32_t dst;
	unsigned id;
	unsigned fragment; /* the whole 16-bit word: flags and offset */
	unsigned ttl;
	unsigned tos;
	unsigned proto;
	unsigned total; /* 0: filled in by frame_v4_close */
	const char *options; /* hexadecimal */
};

/* Begins an IPv4 header; returns where it is, for frame_v4_close. */
static inline size_t frame_v4(struct frame *f, const struct v4 *ip)
{
	struct frame options = {.len = 0};
	size_t at = f->len;

	if (ip->options)
		frame_hex(&options, ip->options);
	frame_u8(f, 0x40 | (unsigned)(5 + options.len / 4));
	frame_u8(f, ip->tos);
	frame_u16(f, ip->total);
	frame_u16(f, ip->id);
	frame_u16(f, ip->fragment);
	frame_u8(f, ip->ttl ? ip->ttl : 64);
	frame_u8(f, ip->proto ? ip->proto : 6);
	frame_u16(f, 0);
	frame_u32(f, ip->src ? ip->src : 0xc6336407);
	frame_u32(f, ip->dst ? ip->dst : 0xc0000201);
	frame_put(f, options.data, options.len);
	return at;
}

/* The datagram ends here. */
static inline void frame_v4_close(struct frame *f, size_t at)
{
	f->data[at + 2] = (uint8_t)((f->len - at) >> 8);
	f->data[at + 3] = (uint8_t)(f->len - at);
}

static const uint8_t frame_src6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};
static const uint8_t frame_dst6[16] = {0x20, 0x01, 0x0d, 0xb8, [7] = 9, [15] = 1};

static inline size_t frame_v6(struct frame *f, unsigned next)
{
	size_t at = f->len;

	frame_u32(f, 0x60000000);
	frame_u16(f, 0);
	frame_u8(f, next);
	frame_u8(f, 57);
	frame_put(f, frame_src6, 16);
	frame_put(f, frame_dst6, 16);
	return at;
}

static inline void frame_v6_close(struct frame *f, size_t at)
{
	size_t len = f->len - at - 40;

	f->data[at + 4] = (uint8_t)(len >> 8);
	f->data[at + 5] = (uint8_t)len;
}

struct tcp {
	unsigned sport;
	unsigned dport;
	uint32_t seq;
	uint32_t ack;
	unsigned flags; /* 0: SYN */
	unsigned window;
	unsigned urgent;
	unsigned data_offset; /* 0: as the options are long */
	const char *options;  /* hexadecimal */
};

static inline void frame_tcp(struct frame *f, const struct tcp *tcp)
{
	struct frame options = {.len = 0};
	unsigned words;

	if (tcp->options)
		frame_hex(&options, tcp->options);
	words = tcp->data_offset ? tcp->data_offset : (unsigned)(5 + options.len / 4);
	frame_u16(f, tcp->sport ? tcp->sport : 40000);
	frame_u16(f, tcp->dport ? tcp->dport : 23);
	frame_u32(f, tcp->seq);
	frame_u32(f, tcp->ack);
	frame_u8(f, words << 4);
	frame_u8(f, tcp->flags ? tcp->flags : DECODE_TCP_SYN);
	frame_u16(f, tcp->window);
	frame_u16(f, 0);
	frame_u16(f, tcp->urgent);
	frame_put(f, options.data, options.len);
}

static inline void frame_udp(struct frame *f, unsigned sport, unsigned dport, size_t payload)
{
	frame_u16(f, sport);
	frame_u16(f, dport);
	frame_u16(f, (unsigned)(8 + payload));
	frame_u16(f, 0);
}

/* A plain IPv4 SYN from 198.51.100.7 port 40000 to 192.0.2.1 port 23. */
static inline void frame_syn4(struct frame *f)
{
	size_t at = frame_v4(f, &(struct v4){.id = 1});

	frame_tcp(f, &(struct tcp){.seq = 0x01020304, .window = 1024});
	frame_v4_close(f, at);
}

static inline void frame_syn6(struct frame *f)
{
	size_t at = frame_v6(f, 6);

	frame_tcp(f, &(struct tcp){.seq = 0x01020304, .window = 1024});
	frame_v6_close(f, at);
}

/*
 * Decodes exactly these bytes from a heap block of exactly their size, so that the sanitizer sees
 * a read beyond them.  *ret_copy, which the packet borrows from, is freed by the caller.
 */
static inline struct decode_packet frame_decode_bytes(const uint8_t *data, size_t len,
    unsigned linktype, uint8_t **ret_copy)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct capture_packet view = {.len = (uint32_t)len, .wire_len = (uint32_t)len,
		.linktype = (uint16_t)linktype, .time_us = 1000000};
	struct decode_packet packet;

	assert_non_null(copy);
	memset(&packet, 0xa5, sizeof(packet));
	if (len)
		memcpy(copy, data, len);
	/* A zero-length packet points at the end of nothing. */
	view.data = len ? copy : copy + 1;
	decode_batch(&view, 1, &packet);
	*ret_copy = copy;
	return packet;
}

/* Decodes a frame; the bytes it borrows are those of f. */
static inline struct decode_packet frame_decode(const struct frame *f, unsigned linktype)
{
	struct capture_packet view = {.data = f->data, .len = (uint32_t)f->len,
		.wire_len = (uint32_t)f->len, .linktype = (uint16_t)linktype, .time_us = 1000000};
	struct decode_packet packet;

	memset(&packet, 0xa5, sizeof(packet));
	decode_batch(&view, 1, &packet);
	return packet;
}

/* xorshift64*: the same numbers on every machine. */
static inline uint64_t frame_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}
