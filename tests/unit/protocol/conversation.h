/*
 * A conversation put through the session driver in any splitting, and its trace: the reply bytes
 * and the facts of each piece, as text.  Used by the transcripts, the laws and the fuzz targets.
 */
#pragma once

#include "base/buf.h"
#include "protocol/persona.h"
#include "protocol/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_SPACE (64u << 10)
#define PAYLOADS 8

struct trace {
	struct buf facts;
	struct buf reply;
	struct {
		struct buf bytes;
		char name[PROTOCOL_TEXT_MAX];
		size_t name_len;
	} payloads[PAYLOADS];
};

struct conversation {
	struct session_driver driver;
	struct session session;
	struct session_peer peer;
	struct persona *persona;
	struct trace trace;
	bool answering;
	bool over;
};

static inline void trace_text(struct buf *b, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c == '\r')
			buf_puts(b, "\\r");
		else if (c == '\n')
			buf_puts(b, "\\n");
		else if (c == '\t')
			buf_puts(b, "\\t");
		else if (c == '\\' || c == '"')
			buf_printf(b, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			buf_printf(b, "\\x%02x", c);
		else
			buf_putc(b, (char)c);
	}
}

static inline void trace_quoted(struct buf *b, const char *before, struct protocol_text text)
{
	buf_puts(b, before);
	buf_putc(b, '"');
	trace_text(b, text.data, text.len);
	buf_putc(b, '"');
}

static inline void trace_payload(struct trace *t, const struct protocol_fact *fact)
{
	unsigned n = fact->number % PAYLOADS;

	if (fact->text.len > 0) {
		memcpy(t->payloads[n].name, fact->text.data, fact->text.len);
		t->payloads[n].name_len = fact->text.len;
	}
	if (fact->piece == PROTOCOL_PIECE_DATA) {
		buf_append(&t->payloads[n].bytes, fact->data, fact->len);
		return;
	}
	buf_printf(&t->facts, "F: payload %u ", fact->number);
	trace_quoted(&t->facts, "",
	    (struct protocol_text){t->payloads[n].name, t->payloads[n].name_len});
	buf_printf(&t->facts, " %zu bytes %s\n", t->payloads[n].bytes.len,
	    fact->piece == PROTOCOL_PIECE_END ? "end" : "cut");
	buf_reset(&t->payloads[n].bytes);
	t->payloads[n].name_len = 0;
}

static inline void trace_fact(void *arg, const struct protocol_fact *fact)
{
	static const char *const secrets[] = {"none", "password", "hash", "key"};
	static const char *const outcomes[] = {"unknown", "accepted", "refused"};
	static const char *const attributes[] = {"software", "request", "sni", "ja3", "ja4",
		"hassh", "headers"};
	struct trace *t = arg;
	struct buf *b = &t->facts;

	switch (fact->kind) {
	case PROTOCOL_FACT_EVENT:
		buf_printf(b, "F: event %s\n", fact->module->events[fact->event].name);
		break;
	case PROTOCOL_FACT_LOGIN:
		trace_quoted(b, "F: login user ", fact->user);
		trace_quoted(b, " password ", fact->password);
		buf_printf(b, " %s%s%s %s\n", secrets[fact->secret], *fact->method ? " " : "",
		    fact->method, outcomes[fact->outcome]);
		break;
	case PROTOCOL_FACT_COMMAND:
		trace_quoted(b, "F: command ", fact->text);
		buf_putc(b, '\n');
		break;
	case PROTOCOL_FACT_ATTRIBUTE:
		buf_printf(b, "F: attribute %s ", attributes[fact->attribute]);
		trace_quoted(b, "", fact->text);
		buf_putc(b, '\n');
		break;
	case PROTOCOL_FACT_PAYLOAD:
		trace_payload(t, fact);
		break;
	default:
		abort();
	}
}

static inline void conversation_begin(struct conversation *c, bool answering, bool udp,
    uint16_t port)
{
	static const uint8_t seed[PERSONA_SEED_LEN] = "the persona of all the tests..";
	static struct persona *persona; /* choosing takes longer than most conversations */
	struct err err = {0};

	memset(c, 0, sizeof(*c));
	if (room_pool_new(1u << 20, &c->driver.pool)
	    || (!persona && persona_choose(seed, &persona, &err))) {
		(void)fprintf(stderr, "%s\n", err.text);
		abort();
	}
	c->persona = persona;
	c->answering = answering;
	c->driver.persona = answering ? c->persona : NULL;
	c->driver.fact = trace_fact;
	c->peer.transport = udp ? PROTOCOL_UDP : PROTOCOL_TCP;
	c->peer.port = port;
	c->peer.client_port = 40000;
	c->peer.client = ip_from_v4(0xcb007109);
	c->peer.server = ip_from_v4(0xc0000202);
	c->peer.now_us = 1700000000000000;
	c->peer.fact_arg = &c->trace;
	session_begin(&c->session, 42);
}

/* Gives a piece in parts of at most `part` bytes; replies and facts add up in the trace. */
static inline void conversation_give(struct conversation *c, enum protocol_side side,
    const uint8_t *data, size_t len, size_t part)
{
	size_t at = 0;
	unsigned idle = 0;

	do {
		uint8_t space[REPLY_SPACE];
		struct wr reply = wr_init(space, sizeof(space));
		size_t n = len - at < part ? len - at : part;
		size_t taken = session_data(&c->driver, &c->session, &c->peer, side, data + at, n,
		    c->answering ? &reply : NULL);

		if (taken > n || (taken == 0 && n > 0 && ++idle > 2))
			abort(); /* it took what it was not given, or takes nothing with room to reply */
		if (c->peer.transport == PROTOCOL_UDP && wr_len(&reply) > len)
			abort(); /* an amplifier */
		buf_append(&c->trace.reply, space, wr_len(&reply));
		at += taken;
	} while (at < len);
}

static inline void conversation_open(struct conversation *c, const struct protocol_module *module)
{
	uint8_t space[REPLY_SPACE];
	struct wr reply = wr_init(space, sizeof(space));

	if (!session_open(&c->driver, &c->session, &c->peer, module, &reply))
		abort();
	buf_append(&c->trace.reply, space, wr_len(&reply));
}

static inline void conversation_close(struct conversation *c)
{
	session_end(&c->driver, &c->session, &c->peer);
}

static inline void conversation_free(struct conversation *c)
{
	if (c->driver.counters.stuck)
		abort(); /* a module took nothing of a full view */
	for (unsigned i = 0; i < PAYLOADS; i++)
		buf_fini(&c->trace.payloads[i].bytes);
	buf_fini(&c->trace.facts);
	buf_fini(&c->trace.reply);
	room_pool_free(c->driver.pool);
}
