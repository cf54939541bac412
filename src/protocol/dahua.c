/*
 * Dahua's DVRIP and DHIP, 37777/tcp: recorders and cameras of many brands.
 *
 * Frames are a 32-byte header and a body.  Records logins (the old ones are 3DES under a fixed key,
 * the newer ones MD5 with the realm and random that were given), JSON requests (a burst of them
 * opened telnet on port 23231 of victims' routers in December 2016), and which frames bots send.
 * Answers the challenge and refuses logins; requests without a session get the error a device has
 * for them.
 * bashis, DahuaConsole (net.py); NPA, 37777/TCP warning of January 2017.
 */
#include "base/rd.h"
#include "base/wr.h"
#include "protocol/encoding.h"
#include "protocol/json_member.h"

#include <stdio.h>

enum {
	EVENT_CHALLENGE,
	EVENT_LOGIN,
	EVENT_REQUEST,
	EVENT_DISCOVERY,
	EVENT_FRAME,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_CHALLENGE] = {"challenge", "a request for realm and random"},
	[EVENT_LOGIN] = {"login", "a login was tried"},
	[EVENT_REQUEST] = {"request", "a JSON request"},
	[EVENT_DISCOVERY] = {"discovery", "who asks what the device is"},
	[EVENT_FRAME] = {"frame", "any other frame"},
	[EVENT_MALFORMED] = {"malformed", "a header that contradicts the protocol"},
};

enum frame {
	FRAME_LOGIN = 0xa0,
	FRAME_KEEP_ALIVE = 0xa1,
	FRAME_DISCOVERY = 0xa3,
	FRAME_JSON = 0xf6,
	FRAME_DHIP = 0x20, /* " \0\0\0DHIP" */
};

#define HEADER_LEN 32u
#define BODY_MAX (1u << 20)
#define INBOX 1280
#define NAME_LEN 8 /* of user and password in the old login */
#define RANDOM_MAX 1000000000u
#define SHOW_MAX (sizeof("frame 0000000000000000") - 1)

struct state {
	uint32_t skip; /* bytes of an over-long body that are still to come */
	uint32_t random;
	uint32_t session;
	bool opaque;
	bool told;
};

struct message {
	uint8_t header[HEADER_LEN];
	struct protocol_text body;
};

static uint32_t challenge(struct protocol_io *io)
{
	struct state *state = io->state;

	if (state->random == 0)
		state->random = (uint32_t)(protocol_random(io) % RANDOM_MAX);
	return state->random;
}

/* ---- binary frames -------------------------------------------------------------------------- */

/* code: what stands at offset 8 of a login's answer. */
static void reply_binary(struct protocol_io *io, uint8_t type, uint8_t sub, uint16_t code,
    const char *body, size_t len)
{
	uint8_t header[HEADER_LEN] = {type, sub};
	struct wr w = wr_init(header + 4, sizeof(header) - 4);

	wr_u32le(&w, (uint32_t)len);
	wr_u16be(&w, code);
	header[24] = 0x06;
	header[26] = 0xf9;
	protocol_reply(io, header, sizeof(header));
	protocol_reply(io, body, len);
}

static void reply_challenge(struct protocol_io *io)
{
	char body[128];
	int n = snprintf(body, sizeof(body), "Realm:Login to %.32s\r\nRandom:%u\r\n\r\n",
	    protocol_persona(io, "dahua.serial"), (unsigned)challenge(io));

	protocol_event(io, EVENT_CHALLENGE);
	reply_binary(io, 0xb0, 0x01, 0, body, (size_t)n);
}

static void tell_login(struct protocol_io *io, struct protocol_text user,
    struct protocol_text password, enum protocol_secret secret, const char *method)
{
	protocol_event(io, EVENT_LOGIN);
	protocol_login(io, user, password, secret, method,
	    io->answering ? PROTOCOL_REFUSED : PROTOCOL_OUTCOME_UNKNOWN);
}

/* The old login: user and password are blocks of 3DES, and stay so. */
static void old_login(struct protocol_io *io, const struct message *m)
{
	char user[2 * NAME_LEN + 1];
	char password[2 * NAME_LEN + 1];
	size_t user_len = encoding_hex(m->header + 8, NAME_LEN, user, sizeof(user));
	size_t password_len = encoding_hex(m->header + 16, NAME_LEN, password, sizeof(password));

	tell_login(io, (struct protocol_text){user, user_len},
	    (struct protocol_text){password, password_len}, PROTOCOL_SECRET_HASH, "3des");
	reply_binary(io, 0xb0, 0, 0x0100, "", 0);
}

/* "user&&GEN2GEN1": two MD5 in upper-case hex, or one. */
static void hashed_login(struct protocol_io *io, const struct message *m)
{
	const char *mark = m->body.len ? memmem(m->body.data, m->body.len, "&&", 2) : NULL;
	struct protocol_text user = m->body;
	struct protocol_text hash = {"", 0};

	if (mark) {
		user.len = (size_t)(mark - m->body.data);
		hash = (struct protocol_text){mark + 2, m->body.len - user.len - 2};
	}
	tell_login(io, user, hash, PROTOCOL_SECRET_HASH, "md5");
	reply_binary(io, 0xb0, 0, 0x0100, "", 0);
}

static void login_frame(struct protocol_io *io, const struct message *m)
{
	static const uint8_t empty[2 * NAME_LEN];
	bool asks = m->header[1] == 0x01;

	if (!asks && m->body.len > 0)
		hashed_login(io, m);
	else if (!asks && memcmp(m->header + 8, empty, sizeof(empty)) != 0)
		old_login(io, m);
	else
		reply_challenge(io);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void reply_json(struct protocol_io *io, const struct message *m, const char *json)
{
	size_t len = strlen(json);
	uint8_t header[HEADER_LEN];
	struct wr w = wr_init(header, sizeof(header));

	memcpy(header, m->header, sizeof(header));
	if (m->header[0] == FRAME_JSON) {
		w.pos += 4;
		wr_u32le(&w, (uint32_t)len);
	} else {
		w.pos += 16;
		wr_u32le(&w, (uint32_t)len);
		w.pos += 4;
		wr_u32le(&w, (uint32_t)len);
	}
	protocol_reply(io, header, sizeof(header));
	protocol_reply(io, json, len);
}

static void json_login(struct protocol_io *io, const struct message *m, struct protocol_text id)
{
	struct state *state = io->state;
	struct protocol_text user = json_member(m->body, "userName");
	struct protocol_text password = json_member(m->body, "password");
	struct protocol_text how = json_member(m->body, "passwordType");
	char json[384];

	if (state->session == 0)
		state->session = (uint32_t)protocol_random(io) & 0x7fffffff;
	if (password.len == 0) {
		protocol_event(io, EVENT_CHALLENGE);
		(void)snprintf(json, sizeof(json),
		    "{\"error\":{\"code\":268632079,"
		    "\"message\":\"Component error: login challenge!\"},\"id\":%.*s,"
		    "\"params\":{\"encryption\":\"Default\",\"random\":\"%u\","
		    "\"realm\":\"Login to %.32s\"},\"result\":false,\"session\":%u}\n",
		    (int)id.len, id.data, (unsigned)challenge(io),
		    protocol_persona(io, "dahua.serial"), (unsigned)state->session);
	} else {
		tell_login(io, user, password,
		    line_is(how, "Plain") ? PROTOCOL_SECRET_PASSWORD : PROTOCOL_SECRET_HASH,
		    "json");
		(void)snprintf(json, sizeof(json),
		    "{\"error\":{\"code\":268632085,"
		    "\"message\":\"Component error: User or password not valid!\"},"
		    "\"id\":%.*s,\"result\":false,\"session\":%u}\n",
		    (int)id.len, id.data, (unsigned)state->session);
	}
	reply_json(io, m, json);
}

static void json_frame(struct protocol_io *io, const struct message *m)
{
	struct protocol_text method = json_member(m->body, "method");
	struct protocol_text id = json_member(m->body, "id");
	char json[192];

	if (!id.data || id.len == 0 || id.len > 10)
		id = PROTOCOL_LITERAL("0");
	protocol_event(io, EVENT_REQUEST);
	if (method.data && line_is(method, "global.login")) {
		json_login(io, m, id);
		return;
	}
	protocol_command(io, m->body.data, m->body.len);
	(void)snprintf(json, sizeof(json),
	    "{\"error\":{\"code\":287637505,\"message\":\"Invalid session in request data!\"},"
	    "\"id\":%.*s,\"result\":false}\n", (int)id.len, id.data);
	reply_json(io, m, json);
}

/* ---- frames --------------------------------------------------------------------------------- */

static void tell_frame(struct protocol_io *io, const struct message *m)
{
	struct state *state = io->state;
	char text[SHOW_MAX + 1] = "frame ";

	if (!state->told)
		protocol_attribute(io, PROTOCOL_REQUEST, text,
		    6 + encoding_hex(m->header, 4, text + 6, sizeof(text) - 6));
	state->told = true;
}

static void frame(struct protocol_io *io, const struct message *m)
{
	char text[80];
	size_t n;

	tell_frame(io, m);
	switch (m->header[0]) {
	case FRAME_LOGIN:
		login_frame(io, m);
		return;
	case FRAME_KEEP_ALIVE:
		protocol_event(io, EVENT_FRAME);
		reply_binary(io, 0xb1, 0, 0, "", 0);
		return;
	case FRAME_DISCOVERY:
		protocol_event(io, EVENT_DISCOVERY);
		reply_binary(io, 0xb3, 0, 0, "", 0);
		return;
	case FRAME_JSON:
	case FRAME_DHIP:
		json_frame(io, m);
		return;
	default:
		/* Old back doors ask for accounts and configurations by number. */
		protocol_event(io, EVENT_FRAME);
		memcpy(text, "frame ", 6);
		n = 6 + encoding_hex(m->header, HEADER_LEN, text + 6, sizeof(text) - 6);
		protocol_command(io, text, n);
		reply_binary(io, m->header[0] ^ 0x10, 0, 0, "", 0);
		return;
	}
}

static uint32_t body_len(const uint8_t *header)
{
	struct rd r = rd_init(header, HEADER_LEN);

	rd_skip(&r, header[0] == FRAME_DHIP ? 16 : 4);
	return rd_u32le(&r);
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t n = len < state->skip ? len : state->skip;
	struct message m;
	uint32_t body;
	size_t have;

	state->skip -= (uint32_t)n;
	if (n > 0 || state->opaque)
		return n > 0 ? n : len;
	if (len < HEADER_LEN)
		return 0;
	memcpy(m.header, data, HEADER_LEN);
	body = body_len(m.header);
	if (body > BODY_MAX) {
		protocol_event(io, EVENT_MALFORMED);
		state->opaque = true;
		io->hang_up = true;
		return len;
	}
	have = len - HEADER_LEN < body ? len - HEADER_LEN : body;
	if (have < body && !io->full)
		return 0;
	m.body = (struct protocol_text){(const char *)data + HEADER_LEN, have};
	while (m.body.len > 0 && (m.body.data[m.body.len - 1] == '\0'
	    || m.body.data[m.body.len - 1] == '\n'))
		m.body.len--;
	frame(io, &m);
	state->skip = body - (uint32_t)have;
	return HEADER_LEN + have;
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct state *state = io->state;

	if (side == PROTOCOL_CLIENT && bytes > 0 && bytes < state->skip)
		state->skip -= (uint32_t)bytes;
	else if (side == PROTOCOL_CLIENT)
		state->opaque = true;
}

/* Logins end in a1 aa; DHIP says its name.  Other frames are known by the port alone. */
static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const uint8_t dhip[] = {FRAME_DHIP, 0, 0, 0, 'D', 'H', 'I', 'P'};
	const uint8_t *data = start->client;
	size_t len = start->client_len;

	if (len == 0)
		return PROTOCOL_MORE;
	if (data[0] == FRAME_DHIP)
		return probe_bytes(data, len, dhip, sizeof(dhip));
	if (start->hinted && data[0] >= FRAME_LOGIN && data[0] != 0xff)
		return PROTOCOL_YES;
	if (data[0] != FRAME_LOGIN)
		return PROTOCOL_NO;
	if (len < HEADER_LEN)
		return PROTOCOL_MORE;
	return data[30] == 0xa1 && data[31] == 0xaa ? PROTOCOL_YES : PROTOCOL_NO;
}

const struct protocol_module protocol_dahua = {
	.name = "dahua",
	.title = "Dahua DVRIP and DHIP",
	.spec = "Dahua DVRIP, DHIP (bashis, DahuaConsole)",
	.doc = "Logins of three generations as hashes, JSON requests and other frames as "
	       "commands.  Answers the challenge, refuses logins.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {37777, 37778, 47777},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.reply_max = 512,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.gap = gap,
};
