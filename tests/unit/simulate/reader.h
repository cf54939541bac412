/*
 * A reader of simulated captures that shares no code with the simulator or with Teiten: it decodes
 * bytes by hand, verifies every checksum, and counts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct file_bytes {
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t fail_after; /* the callback fails once this much has come; 0 = never */
};

struct seen {
	int64_t time_us;
	uint32_t caplen;
	uint32_t wirelen;
	uint16_t ethertype;
	uint8_t version;
	uint8_t header_words;
	bool fragment;
	uint32_t src;
	uint32_t dst;
	uint8_t proto;
	uint8_t ttl;
	uint16_t id;
	uint16_t sport; /* ICMP: type << 8 | code */
	uint16_t dport;
	uint32_t seq;
	uint32_t ack;
	uint8_t flags;
	uint16_t window;
	const uint8_t *options;
	size_t options_len;
	const uint8_t *payload;
	size_t payload_len;
	bool checksums_good;
};

static int file_write(void *arg, const void *data, size_t len)
{
	struct file_bytes *file = arg;

	if (file->fail_after && file->len + len > file->fail_after)
		return -28;
	while (file->cap - file->len < len) {
		file->cap = file->cap ? file->cap * 2 : 1u << 20;
		file->data = realloc(file->data, file->cap);
	}
	memcpy(file->data + file->len, data, len);
	file->len += len;
	return 0;
}

static uint64_t file_hash(const struct file_bytes *file)
{
	uint64_t h = 14695981039346656037ull;

	for (size_t i = 0; i < file->len; i++)
		h = (h ^ file->data[i]) * 1099511628211ull;
	return h;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static bool sum_good(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static void read_transport(struct seen *s, const uint8_t *t, size_t len, uint32_t pseudo)
{
	s->checksums_good &= sum_good(sum16(pseudo, t, len));
	s->sport = be16(t);
	s->dport = be16(t + 2);
	if (s->proto == 6) {
		s->seq = be32(t + 4);
		s->ack = be32(t + 8);
		s->flags = t[13];
		s->window = be16(t + 14);
		s->options = t + 20;
		s->options_len = (size_t)(t[12] >> 4) * 4 - 20;
		s->payload = t + 20 + s->options_len;
		s->payload_len = len - 20 - s->options_len;
	} else {
		s->payload = t + 8;
		s->payload_len = len - 8;
	}
}

static void read_frame(struct seen *s, const uint8_t *f, size_t len)
{
	s->ethertype = be16(f + 12);
	s->checksums_good = true;
	s->version = f[14] >> 4;
	s->header_words = f[14] & 15;
	if (s->ethertype == 0x0800) {
		s->src = be32(f + 26);
		s->dst = be32(f + 30);
		s->proto = f[23];
		s->ttl = f[22];
		s->id = be16(f + 18);
		s->fragment = be16(f + 20) & 0x1fff;
		s->checksums_good = sum_good(sum16(0, f + 14, 20));
		if (s->header_words == 5 && !s->fragment && len == s->wirelen)
			read_transport(s, f + 34, len - 34,
			    s->proto == 1 ? 0
			                  : sum16(s->proto + (uint32_t)(len - 34), f + 26, 8));
	} else if (s->ethertype == 0x86dd) {
		s->proto = f[20];
		s->ttl = f[21];
		read_transport(s, f + 54, len - 54,
		    sum16(s->proto + (uint32_t)(len - 54), f + 22, 32));
	}
}

/* Walks a file: *pos starts at 0; false at the end.  Sets *bad when a length does not fit. */
static bool file_next(const struct file_bytes *file, size_t *pos, struct seen *s, bool *bad)
{
	const uint8_t *record;

	if (*pos == 0) {
		*bad = file->len < 24 || le32(file->data) != 0xa1b2c3d4u
		    || le32(file->data + 16) != 65535 || le32(file->data + 20) != 1;
		*pos = 24;
	}
	if (*bad || *pos == file->len)
		return false;
	*bad = file->len - *pos < 16;
	if (*bad)
		return false;
	record = file->data + *pos;
	memset(s, 0, sizeof *s);
	s->time_us = (int64_t)le32(record) * 1000000 + le32(record + 4);
	s->caplen = le32(record + 8);
	s->wirelen = le32(record + 12);
	*bad = s->caplen > file->len - *pos - 16 || s->caplen > s->wirelen || s->caplen < 42;
	if (*bad)
		return false;
	read_frame(s, record + 16, s->caplen);
	*pos += 16 + s->caplen;
	return true;
}
