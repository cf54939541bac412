/*
 * SOCKS 4, 4a and 5: who looks for open proxies, with which passwords, to reach what.
 *
 * Lets everybody in and says that every connection is made; nothing is ever connected to.  What the
 * client then sends into the tunnel is identified as if it were a connection of its own (handover).
 * Passive: the tunnel begins with the server's granting reply.  RFC 1928, RFC 1929; SOCKS 4
 * (Koblas, Lee), SOCKS 4A.
 */
#include "base/rd.h"
#include "protocol/attempt.h"

#include <stdio.h>

enum {
	EVENT_CONNECT,
	EVENT_BIND,
	EVENT_UDP,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_CONNECT] = {"connect", "CONNECT: a target is to be reached"},
	[EVENT_BIND] = {"bind", "BIND: connections are to be taken"},
	[EVENT_UDP] = {"udp", "UDP ASSOCIATE"},
	[EVENT_MALFORMED] = {"malformed", "request that contradicts the protocol"},
};

#define INBOX 600         /* the longest request: user and password of 255 octets each */
#define SERVER_INBOX 300
#define METHODS_MAX 16    /* more in a first message are not believed */
#define V4_USER_MAX 255
#define HOST_MAX 256

enum { METHOD_NONE = 0, METHOD_PASSWORD = 2, METHOD_REFUSED = 0xff };
enum { COMMAND_CONNECT = 1, COMMAND_BIND = 2, COMMAND_UDP = 3 };
enum { ADDRESS_V4 = 1, ADDRESS_NAME = 3, ADDRESS_V6 = 4 };

enum phase {
	PHASE_HELLO,
	PHASE_AUTH,    /* RFC 1929's message; or the request, when the method was none */
	PHASE_REQUEST,
	PHASE_TUNNEL,  /* passive: asked for, the server's reply is to come */
	PHASE_END,
};

enum server_phase {
	SERVER_METHOD,
	SERVER_AUTH,
	SERVER_REPLY,
	SERVER_END,
};

struct state {
	struct attempt attempt;
	uint8_t phase;
	uint8_t server_phase;
	bool is_connect;
};

static enum protocol_verdict probe_5(const uint8_t *p, size_t len)
{
	if (len > 1 && (p[1] == 0 || p[1] > METHODS_MAX))
		return PROTOCOL_NO;
	for (size_t i = 2; i < len && i < 2 + (size_t)p[1]; i++)
		if (p[i] > 9 && p[i] < 0x80)
			return PROTOCOL_NO;
	return len > 1 && len >= 2 + (size_t)p[1] ? PROTOCOL_YES : PROTOCOL_MORE;
}

/* version, command, port, address, user NUL */
static enum protocol_verdict probe_4(const uint8_t *p, size_t len)
{
	if (len > 1 && p[1] != COMMAND_CONNECT && p[1] != COMMAND_BIND)
		return PROTOCOL_NO;
	for (size_t i = 8; i < len && i < 8 + V4_USER_MAX; i++) {
		if (p[i] == 0)
			return PROTOCOL_YES;
		if (p[i] < ' ' || p[i] > '~')
			return PROTOCOL_NO;
	}
	return len >= 8 + V4_USER_MAX ? PROTOCOL_NO : PROTOCOL_MORE;
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	/* MongoDB's first message may be 261 octets long: 05 01 00 00. */
	const bool mongodb = start->port >= 27017 && start->port <= 27019;

	if (start->client_len == 0)
		return start->hinted ? PROTOCOL_YES : PROTOCOL_MORE;
	if (start->client[0] == 5 && !mongodb)
		return probe_5(start->client, start->client_len);
	if (start->client[0] == 4)
		return probe_4(start->client, start->client_len);
	return PROTOCOL_NO;
}

static size_t malformed(struct protocol_io *io, size_t len)
{
	struct state *state = io->state;

	protocol_event(io, EVENT_MALFORMED);
	state->phase = PHASE_END;
	io->hang_up = true;
	return len;
}

static void tell_request(struct protocol_io *io, uint8_t command, const char *host, uint16_t port)
{
	struct state *state = io->state;
	const char *word = command == COMMAND_CONNECT ? "CONNECT"
	    : command == COMMAND_BIND ? "BIND" : command == COMMAND_UDP ? "UDP" : "?";
	char text[HOST_MAX + 24];
	int n = snprintf(text, sizeof(text), "%s %s:%u", word, host, port);

	if (command >= COMMAND_CONNECT && command <= COMMAND_UDP)
		protocol_event(io, EVENT_CONNECT + command - COMMAND_CONNECT);
	if (n > 0 && (size_t)n < sizeof(text)) {
		protocol_attribute(io, PROTOCOL_REQUEST, text, (size_t)n);
		protocol_command(io, text, (size_t)n);
	}
	state->is_connect = command == COMMAND_CONNECT;
	state->phase = io->answering ? PHASE_END : PHASE_TUNNEL;
	if (!io->answering)
		return;
	io->handover = state->is_connect;
	io->hang_up = !state->is_connect;
}

/* ---- SOCKS 5 -------------------------------------------------------------------------------- */

static size_t hello(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);
	uint8_t count;
	const uint8_t *methods;
	uint8_t choice = METHOD_REFUSED;
	uint8_t reply[2] = {5, METHOD_REFUSED};

	rd_skip(&r, 1);
	count = rd_u8(&r);
	methods = rd_take(&r, count);
	if (!methods)
		return 0;
	for (unsigned i = 0; i < count; i++) {
		if (methods[i] == METHOD_PASSWORD)
			choice = METHOD_PASSWORD;
		else if (methods[i] == METHOD_NONE && choice == METHOD_REFUSED)
			choice = METHOD_NONE;
	}
	state->phase = PHASE_AUTH;
	reply[1] = choice;
	protocol_reply(io, reply, sizeof(reply));
	io->hang_up = choice == METHOD_REFUSED;
	return 2 + (size_t)count;
}

/* 01, user, password: each with its length before it */
static size_t auth(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);
	struct protocol_text user;
	struct protocol_text password;

	rd_skip(&r, 1);
	user.len = rd_u8(&r);
	user.data = (const char *)rd_take(&r, user.len);
	password.len = rd_u8(&r);
	password.data = (const char *)rd_take(&r, password.len);
	if (r.bad)
		return 0;
	attempt_user(io, &state->attempt, user);
	attempt_password(io, &state->attempt, password, PROTOCOL_SECRET_PASSWORD, "");
	state->phase = PHASE_REQUEST;
	if (io->answering)
		attempt_verdict(io, &state->attempt, PROTOCOL_ACCEPTED);
	protocol_reply(io, "\x01\x00", 2);
	return (size_t)(r.pos - data);
}

/* 05, command, 00, address type, address, port */
static size_t request(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);
	char host[HOST_MAX];
	uint8_t reply[10] = {5, 0, 0, ADDRESS_V4};
	uint8_t command;
	uint8_t type;
	size_t n;
	const uint8_t *p;
	uint16_t port;

	rd_skip(&r, 1);
	command = rd_u8(&r);
	rd_skip(&r, 1);
	type = rd_u8(&r);
	if (r.bad)
		return 0;
	if (type != ADDRESS_V4 && type != ADDRESS_NAME && type != ADDRESS_V6) {
		protocol_reply(io, "\x05\x08\x00\x01\0\0\0\0\0\0", 10);
		return malformed(io, len);
	}
	n = type == ADDRESS_NAME ? rd_u8(&r) : type == ADDRESS_V4 ? 4 : 16;
	p = rd_take(&r, n);
	port = rd_u16be(&r);
	if (r.bad)
		return 0;
	if (type == ADDRESS_NAME)
		(void)snprintf(host, sizeof(host), "%.*s", (int)n, (const char *)p);
	else if (type == ADDRESS_V4)
		(void)ip_format(ip_from_v4(rd_at_u32be(p)), host);
	else
		(void)ip_format((struct ip){rd_at_u64be(p), rd_at_u64be(p + 8)}, host);
	tell_request(io, command, host, port);
	if (command != COMMAND_CONNECT)
		reply[1] = 7;
	protocol_reply(io, reply, sizeof(reply));
	return (size_t)(r.pos - data);
}

/* ---- SOCKS 4 -------------------------------------------------------------------------------- */

/* The text up to a NUL; NULL when the NUL is not there. */
static const char *take_string(struct rd *r)
{
	const uint8_t *end = rd_left(r) ? memchr(r->pos, 0, rd_left(r)) : NULL;

	if (!end) {
		r->bad = true;
		return NULL;
	}
	return (const char *)rd_take(r, (size_t)(end - r->pos) + 1);
}

static size_t request_4(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);
	char host[HOST_MAX];
	uint8_t command;
	uint16_t port;
	uint32_t addr;
	const char *user;
	const char *name = NULL;

	rd_skip(&r, 1);
	command = rd_u8(&r);
	port = rd_u16be(&r);
	addr = rd_u32be(&r);
	user = take_string(&r);
	if (user && addr > 0 && addr < 256) /* 0.0.0.x: a name follows (4A) */
		name = take_string(&r);
	if (r.bad)
		return io->full ? malformed(io, len) : 0;
	if (name)
		(void)snprintf(host, sizeof(host), "%s", name);
	else
		(void)ip_format(ip_from_v4(addr), host);
	if (*user) {
		attempt_user(io, &state->attempt, (struct protocol_text){user, strlen(user)});
		attempt_password(
		    io, &state->attempt, PROTOCOL_LITERAL(""), PROTOCOL_SECRET_NONE, "SOCKS 4");
		if (io->answering)
			attempt_verdict(io, &state->attempt, PROTOCOL_ACCEPTED);
	}
	tell_request(io, command, host, port);
	protocol_reply(
	    io, command == COMMAND_CONNECT ? "\x00\x5a\0\0\0\0\0\0" : "\x00\x5b\0\0\0\0\0\0", 8);
	return (size_t)(r.pos - data);
}

/* ---- both ----------------------------------------------------------------------------------- */

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	const struct state *state = io->state;

	switch (state->phase) {
	case PHASE_HELLO:
		return data[0] == 5 ? hello(io, data, len)
		    : data[0] == 4 ? request_4(io, data, len) : malformed(io, len);
	case PHASE_AUTH:
		return data[0] == 1 ? auth(io, data, len)
		    : data[0] == 5 ? request(io, data, len) : malformed(io, len);
	case PHASE_REQUEST:
		return data[0] == 5 ? request(io, data, len) : malformed(io, len);
	case PHASE_TUNNEL: /* the server was not heard, and the client goes on */
		io->handover = state->is_connect;
		return io->handover ? 0 : len;
	default:
		return len;
	}
}

/* Octets of the reply at data; 0: more, please. */
static size_t reply_size(const uint8_t *data, size_t len)
{
	size_t size;

	if (data[0] != 5)
		return len < 8 ? 0 : 8; /* SOCKS 4 */
	if (len < 5)
		return 0;
	size = data[3] == ADDRESS_NAME ? 7 + (size_t)data[4] : data[3] == ADDRESS_V6 ? 22 : 10;
	return len < size ? 0 : size;
}

static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t size;

	if (state->server_phase == SERVER_METHOD && data[0] == 0)
		state->server_phase = SERVER_REPLY;
	switch (state->server_phase) {
	case SERVER_METHOD:
		if (len < 2)
			return 0;
		state->server_phase = data[1] == METHOD_NONE ? SERVER_REPLY
		    : data[1] == METHOD_PASSWORD ? SERVER_AUTH : SERVER_END;
		return 2;
	case SERVER_AUTH:
		if (len < 2)
			return 0;
		attempt_verdict(
		    io, &state->attempt, data[1] ? PROTOCOL_REFUSED : PROTOCOL_ACCEPTED);
		state->server_phase = SERVER_REPLY;
		return 2;
	case SERVER_REPLY:
		size = reply_size(data, len);
		if (size == 0)
			return 0;
		state->server_phase = SERVER_END;
		attempt_verdict(io, &state->attempt, PROTOCOL_ACCEPTED);
		io->handover = state->is_connect && (data[0] == 5 ? data[1] == 0 : data[1] == 0x5a);
		return size;
	default:
		return len;
	}
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	attempt_verdict(io, &state->attempt, PROTOCOL_OUTCOME_UNKNOWN);
}

const struct protocol_module protocol_socks = {
	.name = "socks",
	.title = "SOCKS",
	.spec = "RFC 1928, RFC 1929, SOCKS 4 and 4A",
	.doc = "Logins (RFC 1929) and targets.  Answers as an open proxy that connects to nothing: "
	       "what is sent into the tunnel is answered as if it were a connection of its own.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {1080, 1081, 10808},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.server_inbox = SERVER_INBOX,
	.reply_max = 32,
	.idle_s = 30,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.server = server,
	.close = close_session,
};
