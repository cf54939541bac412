/*
 * MQTT 3.1, 3.1.1 and 5: who connects, with or without credentials, subscribes to what, publishes
 * what.
 *
 * Accepts everybody: a broker that lets anonymous clients in shows what they came for.  A frame is
 * looked at as a whole up to the inbox; of a longer PUBLISH the message goes through as a payload.
 * OASIS MQTT 3.1.1 and 5.0; MQTT 3.1 (IBM, 2010).
 */
#include "base/rd.h"
#include "protocol/line.h"
#include "protocol/persona.h"

enum {
	EVENT_CONNECT,
	EVENT_CONNECT_ANONYMOUS,
	EVENT_CONNECT_CREDENTIALS,
	EVENT_SUBSCRIBE,
	EVENT_PUBLISH,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_CONNECT] = {"connect", "CONNECT packet"},
	[EVENT_CONNECT_ANONYMOUS] = {"connect.anonymous", "CONNECT without user name and password"},
	[EVENT_CONNECT_CREDENTIALS] = {"connect.credentials", "CONNECT with user name or password"},
	[EVENT_SUBSCRIBE] = {"subscribe", "SUBSCRIBE packet"},
	[EVENT_PUBLISH] = {"publish", "PUBLISH packet"},
	[EVENT_MALFORMED] = {"malformed", "frame that contradicts the standard"},
};

enum packet {
	CONNECT = 1,
	PUBLISH = 3,
	PUBREL = 6,
	SUBSCRIBE = 8,
	UNSUBSCRIBE = 10,
	PINGREQ = 12,
	DISCONNECT = 14,
};

#define FLAG_USER 0x80
#define FLAG_PASSWORD 0x40
#define FLAG_WILL 0x04
#define LEVEL_5 5
#define LENGTH_BYTES_MAX 4
#define INBOX 1024

struct state {
	uint32_t skip;  /* bytes of an over-long frame that are still to come */
	uint8_t level;  /* of CONNECT; 0 before it */
	bool in_message; /* what is skipped is a message: a payload */
};

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const char name_311[] = "\0\4MQTT";
	static const char name_31[] = "\0\6MQIsdp";
	const uint8_t *data = start->client;
	size_t len = start->client_len;
	size_t at = 1;
	enum protocol_verdict is_311;

	if (len == 0)
		return PROTOCOL_MORE;
	if (data[0] != CONNECT << 4)
		return PROTOCOL_NO;
	while (at < len && at <= LENGTH_BYTES_MAX && data[at] & 0x80)
		at++;
	if (at > LENGTH_BYTES_MAX)
		return PROTOCOL_NO;
	if (at >= len)
		return PROTOCOL_MORE;
	at++;
	is_311 = probe_bytes(data + at, len - at, name_311, sizeof(name_311) - 1);
	if (is_311 != PROTOCOL_NO)
		return is_311;
	return probe_bytes(data + at, len - at, name_31, sizeof(name_31) - 1);
}

static struct protocol_text take_text(struct rd *r)
{
	size_t len = rd_u16be(r);
	const uint8_t *p = rd_take(r, len);
	struct protocol_text text = {(const char *)p, p ? len : 0};

	return text;
}

/* A variable byte integer inside a packet (MQTT 5, 1.5.5). */
static uint32_t take_varint(struct rd *r)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < LENGTH_BYTES_MAX; i++) {
		uint8_t byte = rd_u8(r);

		value |= (uint32_t)(byte & 0x7f) << 7 * i;
		if (!(byte & 0x80))
			return value;
	}
	r->bad = true;
	return 0;
}

static void connect_packet(struct protocol_io *io, struct rd *r)
{
	struct state *state = io->state;
	struct protocol_text user = {"", 0};
	struct protocol_text password = {"", 0};
	struct protocol_text client_id;
	uint8_t flags;

	(void)take_text(r); /* protocol name */
	state->level = rd_u8(r);
	flags = rd_u8(r);
	rd_skip(r, 2); /* keep alive */
	if (state->level == LEVEL_5)
		rd_skip(r, take_varint(r));
	client_id = take_text(r);
	if (flags & FLAG_WILL) {
		if (state->level == LEVEL_5)
			rd_skip(r, take_varint(r));
		(void)take_text(r);
		(void)take_text(r);
	}
	if (flags & FLAG_USER)
		user = take_text(r);
	if (flags & FLAG_PASSWORD)
		password = take_text(r);
	protocol_event(io, EVENT_CONNECT);
	protocol_event(io, flags & (FLAG_USER | FLAG_PASSWORD) ? EVENT_CONNECT_CREDENTIALS
	                                                      : EVENT_CONNECT_ANONYMOUS);
	if (r->bad) {
		protocol_event(io, EVENT_MALFORMED);
		io->hang_up = true;
		return;
	}
	protocol_attribute(io, PROTOCOL_SOFTWARE, client_id.data, client_id.len);
	if (flags & (FLAG_USER | FLAG_PASSWORD))
		protocol_login(io, user, password,
		    flags & FLAG_PASSWORD ? PROTOCOL_SECRET_PASSWORD : PROTOCOL_SECRET_NONE, "",
		    io->answering ? PROTOCOL_ACCEPTED : PROTOCOL_OUTCOME_UNKNOWN);
	if (state->level == LEVEL_5)
		protocol_reply(io, "\x20\x03\x00\x00\x00", 5);
	else
		protocol_reply(io, "\x20\x02\x00\x00", 4);
}

static void subscribe_packet(struct protocol_io *io, struct rd *r)
{
	const struct state *state = io->state;
	uint16_t id = rd_u16be(r);
	uint8_t reply[INBOX];
	struct wr w = wr_init(reply, sizeof(reply));
	struct wr codes;
	uint8_t granted[128];

	codes = wr_init(granted, sizeof(granted) - 4);
	if (state->level == LEVEL_5)
		rd_skip(r, take_varint(r));
	protocol_event(io, EVENT_SUBSCRIBE);
	while (!r->bad && rd_left(r) > 0 && !codes.bad) {
		struct protocol_text topic = take_text(r);
		char line[PROTOCOL_TEXT_MAX];
		size_t n = topic.len < sizeof(line) - 10 ? topic.len : sizeof(line) - 10;

		wr_u8(&codes, rd_u8(r) & 0x03);
		if (r->bad)
			break;
		memcpy(line, "SUBSCRIBE ", 10);
		if (n)
			memcpy(line + 10, topic.data, n);
		protocol_command(io, line, n + 10);
	}
	if (r->bad) {
		protocol_event(io, EVENT_MALFORMED);
		return;
	}
	wr_u8(&w, 0x90);
	wr_u8(&w, (uint8_t)(2 + (state->level == LEVEL_5) + wr_len(&codes)));
	wr_u16be(&w, id);
	if (state->level == LEVEL_5)
		wr_u8(&w, 0);
	wr_bytes(&w, granted, wr_len(&codes));
	protocol_reply(io, reply, wr_len(&w));
}

/* The fixed part of a PUBLISH; what is left in r is the message or its beginning. */
static void publish_packet(struct protocol_io *io, struct rd *r, uint8_t first)
{
	const struct state *state = io->state;
	struct protocol_text topic = take_text(r);
	unsigned qos = first >> 1 & 3;
	uint16_t id = qos ? rd_u16be(r) : 0;
	char line[PROTOCOL_TEXT_MAX];
	size_t n = topic.len < sizeof(line) - 8 ? topic.len : sizeof(line) - 8;
	uint8_t reply[4] = {qos == 2 ? 0x50 : 0x40, 2, (uint8_t)(id >> 8), (uint8_t)id};

	if (state->level == LEVEL_5)
		rd_skip(r, take_varint(r));
	protocol_event(io, EVENT_PUBLISH);
	if (r->bad) {
		protocol_event(io, EVENT_MALFORMED);
		return;
	}
	memcpy(line, "PUBLISH ", 8);
	if (n)
		memcpy(line + 8, topic.data, n);
	protocol_command(io, line, n + 8);
	protocol_payload(io, 0, topic, r->pos, rd_left(r));
	if (qos)
		protocol_reply(io, reply, sizeof(reply));
}

static void packet(struct protocol_io *io, uint8_t first, struct rd *r)
{
	uint8_t id[2];
	const uint8_t *p;

	switch (first >> 4) {
	case CONNECT:
		connect_packet(io, r);
		return;
	case SUBSCRIBE:
		subscribe_packet(io, r);
		return;
	case PUBREL:
	case UNSUBSCRIBE:
		p = rd_take(r, 2);
		if (!p)
			return;
		memcpy(id, p, 2);
		protocol_reply(io, first >> 4 == PUBREL ? "\x70\x02" : "\xb0\x02", 2);
		protocol_reply(io, id, 2);
		return;
	case PINGREQ:
		protocol_reply(io, "\xd0\x00", 2);
		return;
	case DISCONNECT:
		io->hang_up = true;
		return;
	default:
		return;
	}
}

/* Bytes of a frame that is longer than the inbox: a message, or nothing we look at. */
static size_t skip(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t n = len < state->skip ? len : state->skip;
	const struct protocol_text no_name = {"", 0};

	if (state->in_message)
		protocol_payload(io, 0, no_name, data, n);
	state->skip -= (uint32_t)n;
	if (state->skip == 0 && state->in_message) {
		protocol_payload_end(io, 0, no_name, PROTOCOL_PIECE_END);
		state->in_message = false;
	}
	return n;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);
	uint8_t first;
	uint32_t left;
	size_t header;
	bool whole;

	if (state->skip > 0)
		return skip(io, data, len);
	first = rd_u8(&r);
	left = take_varint(&r);
	if (r.bad && len < 1 + LENGTH_BYTES_MAX)
		return 0;
	if (r.bad) {
		protocol_event(io, EVENT_MALFORMED);
		io->hang_up = true;
		return len;
	}
	header = (size_t)(r.pos - data);
	whole = rd_left(&r) >= left;
	if (!whole && !io->full)
		return 0;
	if (whole)
		r = rd_init(data + header, left);
	if (first >> 4 == PUBLISH) {
		publish_packet(io, &r, first);
		state->in_message = !r.bad && !whole;
		if (!r.bad && whole)
			protocol_payload_end(io, 0, (struct protocol_text){"", 0}, PROTOCOL_PIECE_END);
	} else if (whole) {
		packet(io, first, &r);
	} else {
		protocol_event(io, EVENT_MALFORMED);
	}
	if (whole)
		return header + left;
	state->skip = left - (uint32_t)(len - header);
	return len;
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct state *state = io->state;

	/* Inside a message the frame's end is still known. */
	if (side == PROTOCOL_CLIENT && bytes > 0 && bytes < state->skip) {
		state->skip -= (uint32_t)bytes;
		return;
	}
	state->skip = UINT32_MAX;
}

static void close_session(struct protocol_io *io)
{
	const struct state *state = io->state;

	if (state->in_message)
		protocol_payload_end(io, 0, (struct protocol_text){"", 0}, PROTOCOL_PIECE_CUT);
}

const struct protocol_module protocol_mqtt = {
	.name = "mqtt",
	.title = "MQTT",
	.spec = "OASIS MQTT 3.1.1 and 5.0, MQTT 3.1",
	.doc = "CONNECT with and without credentials, client id, topics subscribed to and published, "
	       "messages as payloads.  Answers as an open broker.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {1883},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.reply_max = 256,
	.idle_s = 120,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.gap = gap,
	.close = close_session,
};
