/* Packets out of nothing for tests of signatures, and what they raise. */
#pragma once

#include "detect/signatures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FEED_ALERTS_MAX 256
#define FEED_CLIENT 0xc6336409u /* 198.51.100.9 */
#define FEED_SERVER 0xc0000201u /* 192.0.2.1 */

struct feed {
	struct signatures *engine;
	struct signatures_alert alerts[FEED_ALERTS_MAX];
	size_t count;
	struct signatures_problem problem; /* the last */
	char reason[256];
	char keyword[64];
	size_t problems;
	int64_t time_us;
	uint32_t seq[2]; /* client, server */
	uint16_t ports[2];
};

static inline void feed_alert(void *arg, const struct signatures_alert *alert)
{
	struct feed *f = arg;

	if (f->count < FEED_ALERTS_MAX)
		f->alerts[f->count++] = *alert;
}

static inline void feed_problem(void *arg, const struct signatures_problem *problem)
{
	struct feed *f = arg;

	f->problem = *problem;
	(void)snprintf(f->reason, sizeof(f->reason), "%s", problem->reason);
	(void)snprintf(f->keyword, sizeof(f->keyword), "%s", problem->keyword);
	f->problems++;
}

static inline void feed_open_with(struct feed *f, const char *rules, struct signatures_options o)
{
	struct signatures_text text = {"test.rules", rules, strlen(rules)};
	struct err err = {0};

	memset(f, 0, sizeof(*f));
	f->time_us = 1000000000ll * 1000000;
	f->ports[0] = 40000;
	f->ports[1] = 80;
	o.texts = &text;
	o.text_count = 1;
	o.alert = feed_alert;
	o.problem = feed_problem;
	o.arg = f;
	o.flows_max = 1024;
	if (signatures_new(&o, &f->engine, &err))
		fail_msg("%s", err.text);
}

static inline void feed_open(struct feed *f, const char *rules)
{
	feed_open_with(f, rules, (struct signatures_options){0});
}

static inline void feed_close(struct feed *f)
{
	signatures_free(f->engine);
}

static inline void feed_u16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void feed_u32(uint8_t *p, uint32_t v)
{
	feed_u16(p, v >> 16);
	feed_u16(p + 2, v & 0xffff);
}

/* An IPv4 packet whose transport bytes are given. */
static inline void feed_ip(struct feed *f, uint32_t src, uint32_t dst, uint8_t proto,
    const uint8_t *transport, size_t len)
{
	uint8_t *data = calloc(1, 20 + len);
	struct decode_packet packet = {0};

	data[0] = 0x45;
	feed_u16(data + 2, (unsigned)(20 + len));
	data[8] = 64;
	data[9] = proto;
	feed_u32(data + 12, src);
	feed_u32(data + 16, dst);
	memcpy(data + 20, transport, len);
	packet.data = data;
	packet.data_len = (uint32_t)(20 + len);
	packet.time_us = f->time_us;
	signatures_add(f->engine, &packet, 1);
	f->time_us += 1000;
	free(data);
}

static inline void feed_udp(struct feed *f, bool to_server, const void *payload, size_t len)
{
	uint8_t *t = calloc(1, 8 + len);

	feed_u16(t, f->ports[!to_server]);
	feed_u16(t + 2, f->ports[to_server]);
	feed_u16(t + 4, (unsigned)(8 + len));
	memcpy(t + 8, payload, len);
	feed_ip(f, to_server ? FEED_CLIENT : FEED_SERVER, to_server ? FEED_SERVER : FEED_CLIENT, 17, t,
	    8 + len);
	free(t);
}

static inline void feed_tcp_at(struct feed *f, bool to_server, uint8_t flags, uint32_t seq,
    const void *payload, size_t len)
{
	uint8_t *t = calloc(1, 20 + len);

	feed_u16(t, f->ports[!to_server]);
	feed_u16(t + 2, f->ports[to_server]);
	feed_u32(t + 4, seq);
	feed_u32(t + 8, flags & 0x10 ? f->seq[to_server] : 0);
	t[12] = 0x50;
	t[13] = flags;
	feed_u16(t + 14, 65535);
	if (len)
		memcpy(t + 20, payload, len);
	feed_ip(f, to_server ? FEED_CLIENT : FEED_SERVER, to_server ? FEED_SERVER : FEED_CLIENT, 6, t,
	    20 + len);
	free(t);
}

static inline void feed_tcp(struct feed *f, bool to_server, uint8_t flags, const void *payload,
    size_t len)
{
	uint32_t *seq = &f->seq[!to_server];

	feed_tcp_at(f, to_server, flags, *seq, payload, len);
	*seq += (uint32_t)len + ((flags & 3) != 0);
}

static inline void feed_handshake(struct feed *f)
{
	f->seq[0] = 1000;
	f->seq[1] = 5000;
	feed_tcp(f, true, 0x02, NULL, 0);
	feed_tcp(f, false, 0x12, NULL, 0);
	feed_tcp(f, true, 0x10, NULL, 0);
}

static inline void feed_text(struct feed *f, bool to_server, const char *text)
{
	feed_tcp(f, to_server, 0x18, text, strlen(text));
}

static inline void feed_finish(struct feed *f)
{
	feed_tcp(f, false, 0x11, NULL, 0);
	feed_tcp(f, true, 0x11, NULL, 0);
	feed_tcp(f, false, 0x10, NULL, 0);
	signatures_flush(f->engine);
}

/* How often a rule was raised. */
static inline unsigned feed_raised(const struct feed *f, uint32_t sid)
{
	unsigned n = 0;

	for (size_t i = 0; i < f->count; i++)
		n += f->alerts[i].sid == sid && !f->alerts[i].suppressed;
	return n;
}

/* Whether these options match this datagram. */
static inline bool feed_matches(const char *options, const void *payload, size_t len)
{
	char rule[2048];
	struct feed f;
	bool raised;

	(void)snprintf(rule, sizeof(rule), "alert udp any any -> any any (msg:\"t\"; %s sid:1;)\n",
	    options);
	feed_open(&f, rule);
	if (f.problems)
		fail_msg("%s: %s: %s", options, f.keyword, f.reason);
	feed_udp(&f, true, payload, len);
	raised = feed_raised(&f, 1) > 0;
	feed_close(&f);
	return raised;
}

#define MATCHES(options, text) assert_true(feed_matches(options, text, sizeof(text) - 1))
#define DOES_NOT(options, text) assert_false(feed_matches(options, text, sizeof(text) - 1))
