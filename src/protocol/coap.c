/*
 * CoAP: which resources are asked for.
 *
 * Answers a confirmable request with 4.04 and nothing else: its header and token, never longer than
 * the request.  RFC 7252.
 */
#include "base/rd.h"
#include "protocol/protocol.h"

#include <stdio.h>

enum {
	EVENT_REQUEST,
	EVENT_DISCOVERY,
	EVENT_PING,
};

static const struct protocol_event_name events[] = {
    [EVENT_REQUEST] = {"request", "GET, POST, PUT, DELETE …"},
    [EVENT_DISCOVERY] = {"request.discovery", "/.well-known/core: what amplification scans ask"},
    [EVENT_PING] = {"ping", "empty message"},
};

#define HEADER 4
#define TOKEN_MAX 8
#define PAYLOAD_MARKER 0xff
#define OPTION_PATH 11
#define OPTION_QUERY 15
#define METHOD_MAX 7
#define TYPE_CONFIRMABLE 0
#define TEXT_MAX 300

static const char *const methods[] = {"", "GET", "POST", "PUT", "DELETE", "FETCH", "PATCH",
	"iPATCH"};

/* An option's delta or length with its extension (3.1); false when it is reserved. */
static bool take_extended(struct rd *r, unsigned nibble, uint32_t *ret)
{
	if (nibble == 15)
		return false;
	*ret = nibble == 13 ? 13u + rd_u8(r) : nibble == 14 ? 269u + rd_u16be(r) : nibble;
	return !r->bad;
}

/* The path and query into w; *ret_body is what follows the options.  false: malformed. */
static bool take_options(struct rd *r, struct wr *w, struct rd *ret_body)
{
	uint32_t number = 0;
	bool has_query = false;

	*ret_body = rd_init(NULL, 0);
	while (rd_left(r) > 0) {
		const uint8_t head = rd_u8(r);
		uint32_t delta;
		uint32_t len;
		const uint8_t *value;

		if (head == PAYLOAD_MARKER) {
			*ret_body = *r;
			return rd_left(r) > 0;
		}
		if (!take_extended(r, head >> 4, &delta) || !take_extended(r, head & 15, &len))
			return false;
		value = rd_take(r, len);
		if (!value)
			return false;
		number += delta;
		if (number == OPTION_PATH)
			wr_u8(w, '/');
		if (number == OPTION_QUERY)
			wr_u8(w, has_query ? '&' : '?');
		has_query |= number == OPTION_QUERY;
		if (number == OPTION_PATH || number == OPTION_QUERY)
			wr_bytes(w, value, len);
	}
	return true;
}

/* Version 1, a request's code, and options that come out even. */
static bool take(const uint8_t *data, size_t len, struct wr *w, struct rd *ret_body)
{
	struct rd r = rd_init(data, len);
	const uint8_t first = rd_u8(&r);
	const uint8_t code = rd_u8(&r);

	rd_skip(&r, 2 + (size_t)(first & 15));
	if (r.bad || first >> 6 != 1 || (first & 15) > TOKEN_MAX || code > METHOD_MAX)
		return false;
	if (code == 0)
		return rd_left(&r) == 0;
	wr_bytes(w, methods[code], strlen(methods[code]));
	wr_u8(w, ' ');
	return take_options(&r, w, ret_body);
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const char core[] = "\x04" "core";
	char text[TEXT_MAX];
	struct wr w = wr_init(text, sizeof(text));
	struct rd body;

	if (!take(start->client, start->client_len, &w, &body))
		return PROTOCOL_NO;
	if (start->hinted)
		return PROTOCOL_YES;
	return start->client_len > 16 && memmem(start->client, start->client_len, core,
	    sizeof(core) - 1) ? PROTOCOL_YES : PROTOCOL_NO;
}

static void answer(struct protocol_io *io, const uint8_t *data)
{
	const size_t token = data[0] & 15;
	uint8_t reply[HEADER + TOKEN_MAX];

	if ((data[0] >> 4 & 3) != TYPE_CONFIRMABLE)
		return;
	memcpy(reply, data, HEADER + token);
	reply[0] = (uint8_t)(0x60 | token); /* acknowledgement */
	reply[1] = 0x84;                    /* 4.04 */
	if (data[1] == 0) {
		reply[0] = 0x70; /* reset: the answer to a ping */
		reply[1] = 0;
	}
	protocol_reply(io, reply, data[1] ? HEADER + token : HEADER);
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	char text[TEXT_MAX];
	struct wr w = wr_init(text, sizeof(text));
	struct rd body = rd_init(NULL, 0);
	const struct protocol_text none = {"", 0};

	if (!take(data, len, &w, &body))
		return len;
	if (data[1] == 0) {
		protocol_event(io, EVENT_PING);
		answer(io, data);
		return len;
	}
	protocol_event(io, EVENT_REQUEST);
	if (memmem(text, wr_len(&w), "/.well-known/core", 17))
		protocol_event(io, EVENT_DISCOVERY);
	protocol_attribute(io, PROTOCOL_REQUEST, text, wr_len(&w));
	protocol_command(io, text, wr_len(&w));
	if (rd_left(&body) > 0) {
		protocol_payload(io, 0, none, body.pos, rd_left(&body));
		protocol_payload_end(io, 0, none, PROTOCOL_PIECE_END);
	}
	answer(io, data);
	return len;
}

const struct protocol_module protocol_coap = {
	.name = "coap",
	.title = "CoAP",
	.spec = "RFC 7252",
	.doc = "Requests with method, path and query, bodies as payloads.  Answers 4.04.",
	.transports = PROTOCOL_UDP,
	.speaks_first = PROTOCOL_CLIENT,
	.udp_ports = {5683},
	.state_size = 1,
	.client_inbox = 1,
	.reply_max = HEADER + TOKEN_MAX,
	.idle_s = 10,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {
		{{0xc0, 0xf8}, {0x40, 0}},
	},
	.client = client,
};
