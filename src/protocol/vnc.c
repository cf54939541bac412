/*
 * VNC (RFB): versions, security types, and passwords tried, which short lists turn into text.
 *
 * The server speaks first.  Version 3.3 lets the server choose the security type, 3.7 and later the
 * client; VNC authentication is a 16-byte challenge and its DES under the password.  Answering
 * offers that alone, with a new challenge each time, and refuses.  Version 3.3's security type and
 * challenge go out as one piece, because clients read them so.  After the login nothing is parsed.
 * RFC 6143 7.1, 7.2.
 */
#include "base/rd.h"
#include "protocol/line.h"
#include "protocol/vncauth.h"

#include <stdio.h>

enum {
	EVENT_CONNECT,
	EVENT_AUTH_VNC,
	EVENT_AUTH_NONE,
	EVENT_AUTH_BYPASS,
	EVENT_AUTH_OTHER,
	EVENT_RESPONSE,
	EVENT_SESSION,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_CONNECT] = {"connect", "the client's protocol version"},
	[EVENT_AUTH_VNC] = {"auth.vnc", "VNC authentication begins"},
	[EVENT_AUTH_NONE] = {"auth.none", "no authentication"},
	[EVENT_AUTH_BYPASS] = {"auth.bypass", "no authentication chosen though only a password was "
	                                      "offered (CVE-2006-2369)"},
	[EVENT_AUTH_OTHER] = {"auth.other", "another security type (TLS, VeNCrypt, ARD …)"},
	[EVENT_RESPONSE] = {"auth.response", "response to a challenge"},
	[EVENT_SESSION] = {"session", "the client got in (ClientInit)"},
	[EVENT_MALFORMED] = {"malformed", "bytes that contradict the standard"},
};

#define VERSION_LEN 12
#define TYPE_INVALID 0
#define TYPE_NONE 1
#define TYPE_VNC 2
#define TYPES_MAX 64
#define CLIENT_INBOX 64
#define SERVER_INBOX 80

enum step { /* of each side, on its own */
	STEP_VERSION,
	STEP_TYPE,      /* client: chooses; server: offers, or chooses (3.3) */
	STEP_CHALLENGE, /* client: answers it */
	STEP_RESULT,
	STEP_INIT,
	STEP_DONE, /* nothing more is parsed */
};

struct state {
	uint8_t client_step;
	uint8_t server_step;
	uint8_t server_version; /* 3, 7, 8; 0: not heard */
	uint8_t version;        /* both sides': 3, 7, 8; 0: not known yet */
	uint8_t type;           /* chosen; TYPE_INVALID: not known */
	bool offers_none;
	bool server_heard;      /* offers were heard */
	bool has_challenge;
	bool waits;             /* a response waits for the server's verdict */
	uint8_t challenge[VNCAUTH_LEN];
	uint8_t response[VNCAUTH_LEN];
};

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const char greeting[] = "RFB 0";
	enum protocol_verdict server = PROTOCOL_MORE;

	if (start->server_len > 0)
		server = probe_bytes(start->server, start->server_len, greeting, 5);
	if (server == PROTOCOL_YES || start->client_len == 0)
		return server;
	return probe_bytes(start->client, start->client_len, greeting, 5);
}

/* "RFB 003.008\n" as 3, 7 or 8; 0 when it is none.  Others than the known ones are older (RFC 6143
 * 7.1.1), but those of 4 and later speak 3.8. */
static uint8_t parse_version(const uint8_t *p)
{
	unsigned n[2] = {0, 0};

	if (memcmp(p, "RFB ", 4) != 0 || p[7] != '.')
		return 0;
	for (unsigned i = 0; i < 6; i++) {
		uint8_t c = p[i < 3 ? 4 + i : 5 + i];

		if (c < '0' || c > '9')
			return 0;
		n[i / 3] = n[i / 3] * 10 + (unsigned)(c - '0');
	}
	if (n[0] > 3 || (n[0] == 3 && n[1] >= 8))
		return 8;
	return n[0] == 3 && n[1] == 7 ? 7 : 3;
}

static void settle_version(struct state *state, uint8_t client)
{
	uint8_t server = state->server_version ? state->server_version : client;

	state->version = client < server ? client : server;
}

/* The login that waits, with what the server made of it. */
static void finish_login(struct protocol_io *io, enum protocol_outcome outcome)
{
	struct state *state = io->state;
	const uint8_t *challenge = state->has_challenge ? state->challenge : NULL;
	const struct protocol_text nobody = {"", 0};
	char password[VNCAUTH_PASSWORD_MAX + 1];
	char hash[VNCAUTH_HASH_TEXT];

	if (!state->waits)
		return;
	state->waits = false;
	if (challenge && vncauth_crack(challenge, state->response, password))
		protocol_login(io, nobody, (struct protocol_text){password, strlen(password)},
		    PROTOCOL_SECRET_PASSWORD, "vnc", outcome);
	else
		protocol_login(io, nobody,
		    (struct protocol_text){hash, vncauth_hash(challenge, state->response, hash)},
		    PROTOCOL_SECRET_HASH, "vnc", outcome);
}

static void make_challenge(struct protocol_io *io)
{
	struct state *state = io->state;

	for (unsigned i = 0; i < VNCAUTH_LEN; i += 8) {
		uint64_t random = protocol_random(io);

		memcpy(state->challenge + i, &random, 8);
	}
	state->has_challenge = true;
}

/* ---- the client ----------------------------------------------------------------------------- */

/* Offers, or chooses for version 3.3, VNC authentication. */
static void offer(struct protocol_io *io)
{
	struct state *state = io->state;
	uint8_t reply[4 + VNCAUTH_LEN] = {0, 0, 0, TYPE_VNC};

	state->server_heard = true;
	if (state->version > 3) {
		protocol_reply(io, "\x01\x02", 2);
		return;
	}
	state->type = TYPE_VNC;
	make_challenge(io);
	memcpy(reply + 4, state->challenge, VNCAUTH_LEN);
	protocol_reply(io, reply, sizeof(reply));
	protocol_event(io, EVENT_AUTH_VNC);
}

static size_t client_version(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	uint8_t version;

	if (len < VERSION_LEN)
		return 0;
	version = parse_version(data);
	if (!version) {
		protocol_event(io, EVENT_MALFORMED);
		state->client_step = STEP_DONE;
		io->hang_up = io->answering;
		return len;
	}
	protocol_event(io, EVENT_CONNECT);
	protocol_attribute(io, PROTOCOL_SOFTWARE, data, VERSION_LEN - 1);
	settle_version(state, version);
	state->client_step = state->version > 3 ? STEP_TYPE : STEP_CHALLENGE;
	if (io->answering)
		offer(io);
	return VERSION_LEN;
}

static size_t client_type(struct protocol_io *io, uint8_t type)
{
	struct state *state = io->state;

	state->type = type;
	switch (type) {
	case TYPE_NONE:
		protocol_event(io, EVENT_AUTH_NONE);
		if (state->server_heard && !state->offers_none)
			protocol_event(io, EVENT_AUTH_BYPASS);
		state->client_step = STEP_INIT;
		io->hang_up = io->answering;
		return 1;
	case TYPE_VNC:
		protocol_event(io, EVENT_AUTH_VNC);
		state->client_step = STEP_CHALLENGE;
		if (!io->answering)
			return 1;
		make_challenge(io);
		protocol_reply(io, state->challenge, VNCAUTH_LEN);
		return 1;
	default:
		protocol_event(io, EVENT_AUTH_OTHER);
		state->client_step = STEP_DONE;
		io->hang_up = io->answering;
		return 1;
	}
}

static void refuse(struct protocol_io *io)
{
	const struct state *state = io->state;
	const char *reason = protocol_persona(io, "vnc.failure");
	uint8_t reply[128];
	struct wr w = wr_init(reply, sizeof(reply));

	wr_u32be(&w, 1);
	if (state->version >= 8) {
		wr_u32be(&w, (uint32_t)strlen(reason));
		wr_bytes(&w, reason, strlen(reason));
	}
	protocol_reply(io, reply, wr_len(&w));
	io->hang_up = true;
}

static size_t client_response(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;

	/* In 3.3 the server may have chosen that there is no authentication. */
	if (state->type == TYPE_NONE) {
		protocol_event(io, EVENT_SESSION);
		state->client_step = STEP_DONE;
		return 1;
	}
	if (len < VNCAUTH_LEN)
		return 0;
	memcpy(state->response, data, VNCAUTH_LEN);
	state->waits = true;
	state->client_step = STEP_INIT;
	protocol_event(io, EVENT_RESPONSE);
	if (io->answering) {
		finish_login(io, PROTOCOL_REFUSED);
		refuse(io);
	}
	return VNCAUTH_LEN;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;

	switch ((enum step)state->client_step) {
	case STEP_VERSION:
		return client_version(io, data, len);
	case STEP_TYPE:
		return client_type(io, data[0]);
	case STEP_CHALLENGE:
		return client_response(io, data, len);
	case STEP_INIT:
		protocol_event(io, EVENT_SESSION);
		state->client_step = STEP_DONE;
		return 1;
	case STEP_RESULT:
	case STEP_DONE:
		return len;
	}
	return len;
}

/* ---- the server, while passive -------------------------------------------------------------- */

static size_t server_chooses(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;

	if (len < 4)
		return 0;
	state->server_heard = true;
	state->type = rd_at_u32be(data) <= UINT8_MAX ? data[3] : TYPE_INVALID;
	state->server_step = state->type == TYPE_VNC ? STEP_CHALLENGE : STEP_DONE;
	if (state->type == TYPE_VNC)
		protocol_event(io, EVENT_AUTH_VNC);
	else if (state->type == TYPE_NONE)
		protocol_event(io, EVENT_AUTH_NONE);
	else
		state->client_step = STEP_DONE;
	return 4;
}

static size_t server_offers(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t count = data[0];

	if (count == 0 || count > TYPES_MAX) {
		state->server_step = STEP_DONE; /* a reason follows */
		return len;
	}
	if (len < 1 + count)
		return 0;
	state->server_heard = true;
	state->offers_none = memchr(data + 1, TYPE_NONE, count) != NULL;
	state->server_step = STEP_CHALLENGE;
	return 1 + count;
}

static size_t server_challenge(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;

	if (state->type == TYPE_NONE) {
		state->server_step = STEP_DONE;
		return len;
	}
	if (len < VNCAUTH_LEN)
		return 0;
	memcpy(state->challenge, data, VNCAUTH_LEN);
	state->has_challenge = true;
	state->server_step = STEP_RESULT;
	return VNCAUTH_LEN;
}

static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;

	switch ((enum step)state->server_step) {
	case STEP_VERSION:
		if (len < VERSION_LEN)
			return 0;
		state->server_version = parse_version(data);
		state->server_step = state->server_version ? STEP_TYPE : STEP_DONE;
		return VERSION_LEN;
	case STEP_TYPE:
		return (state->version ? state->version : state->server_version) > 3
		    ? server_offers(io, data, len) : server_chooses(io, data, len);
	case STEP_CHALLENGE:
		return server_challenge(io, data, len);
	case STEP_RESULT:
		if (len < 4)
			return 0;
		finish_login(io, rd_at_u32be(data) == 0 ? PROTOCOL_ACCEPTED : PROTOCOL_REFUSED);
		state->server_step = STEP_DONE;
		return 4;
	case STEP_INIT:
	case STEP_DONE:
		return len;
	}
	return len;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static void greet(struct protocol_io *io)
{
	struct state *state = io->state;
	const char *version = protocol_persona(io, "vnc.version");
	uint8_t greeting[VERSION_LEN] = "RFB 003.008";

	if (strlen(version) == VERSION_LEN - 1)
		memcpy(greeting, version, VERSION_LEN - 1);
	greeting[VERSION_LEN - 1] = '\n';
	state->server_version = parse_version(greeting);
	state->server_step = STEP_DONE;
	protocol_reply(io, greeting, VERSION_LEN);
}

static void close_session(struct protocol_io *io)
{
	finish_login(io, PROTOCOL_OUTCOME_UNKNOWN);
}

const struct protocol_module protocol_vnc = {
	.name = "vnc",
	.title = "VNC",
	.spec = "RFC 6143",
	.doc = "Protocol version, security types, responses to challenges; common passwords are "
	       "recovered from them, others are kept in John the Ripper's form.  Answers with VNC "
	       "authentication and refuses.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_SERVER,
	.tcp_ports = {5900, 5901, 5902, 5903},
	.state_size = sizeof(struct state),
	.client_inbox = CLIENT_INBOX,
	.server_inbox = SERVER_INBOX,
	.reply_max = 128,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.open = greet,
	.client = client,
	.server = server,
	.close = close_session,
};
