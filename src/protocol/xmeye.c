/*
 * XMeye/Sofia (Xiongmai's DVRIP): the recorders and cameras that Mirai and BrickerBot live on.
 *
 * Messages are a 20-byte header and JSON.  Records logins (the password as its 8-character hash)
 * and requests; answers as a recorder whose admin has the empty default password.
 * Protocol as documented by the python-dvr project; the hash is 48 bits of MD5 folded to letters.
 */
#include "base/rd.h"
#include "base/wr.h"
#include "protocol/accept.h"
#include "protocol/json_member.h"

#include <stdio.h>

enum {
	EVENT_LOGIN,
	EVENT_REQUEST,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_LOGIN] = {"login", "login request"},
	[EVENT_REQUEST] = {"request", "any other request"},
	[EVENT_MALFORMED] = {"malformed", "a header that contradicts the protocol"},
};

#define HEADER_LEN 20u
#define HEAD 0xff
#define BODY_MAX (64u << 10)
#define INBOX 1024
#define MSG_LOGIN 1000
#define RET_OK 100
#define RET_NOT_LOGGED_IN 105
#define RET_PASSWORD 203
#define HASH_METHOD "sofia"

struct header {
	uint32_t session;
	uint32_t sequence;
	uint16_t message;
	uint32_t len;
};

struct state {
	uint32_t skip; /* bytes of an over-long body that are still to come */
	uint8_t tries;
	bool in;       /* logged in */
	bool opaque;
	bool told;
};

static void reply(struct protocol_io *io, const struct header *h, const char *json)
{
	uint8_t header[HEADER_LEN];
	struct wr w = wr_init(header, sizeof(header));
	size_t len = strlen(json);

	wr_u8(&w, HEAD);
	wr_u8(&w, 1);
	wr_u16le(&w, 0);
	wr_u32le(&w, h->session);
	wr_u32le(&w, h->sequence);
	wr_u16le(&w, 0);
	wr_u16le(&w, (uint16_t)(h->message + 1));
	wr_u32le(&w, (uint32_t)len);
	protocol_reply(io, header, sizeof(header));
	protocol_reply(io, json, len);
}

static void login(struct protocol_io *io, struct header *h, struct protocol_text body)
{
	struct state *state = io->state;
	struct protocol_text user = json_member(body, "UserName");
	struct protocol_text password = json_member(body, "PassWord");
	struct protocol_text how = json_member(body, "EncryptType");
	bool plain = line_is(how, "None");
	char text[256];

	state->tries++;
	state->in = io->answering && user.data
	    && accept_login(io, "xmeye.accepts", state->tries, user, password);
	protocol_event(io, EVENT_LOGIN);
	if (user.data)
		protocol_login(io, user, password,
		    plain ? PROTOCOL_SECRET_PASSWORD : PROTOCOL_SECRET_HASH,
		    plain ? "" : HASH_METHOD,
		    !io->answering ? PROTOCOL_OUTCOME_UNKNOWN
		    : state->in    ? PROTOCOL_ACCEPTED
		                   : PROTOCOL_REFUSED);
	if (state->in)
		h->session = (uint32_t)protocol_random(io) & 0xff;
	(void)snprintf(text, sizeof(text),
	    "{ \"AliveInterval\" : %d, \"ChannelNum\" : %d, \"DeviceType \" : \"DVR\", "
	    "\"ExtraChannel\" : 0, \"Ret\" : %d, \"SessionID\" : \"0x%08X\" }\n",
	    state->in ? 21 : 0, state->in ? 4 : 0, state->in ? RET_OK : RET_PASSWORD,
	    (unsigned)h->session);
	reply(io, h, text);
}

static void request(struct protocol_io *io, const struct header *h, struct protocol_text body)
{
	const struct state *state = io->state;
	struct protocol_text name = json_member(body, "Name");
	char text[192];

	protocol_event(io, EVENT_REQUEST);
	if (body.len > 0)
		protocol_command(io, body.data, body.len);
	(void)snprintf(text, sizeof(text),
	    "{ \"Name\" : \"%.*s\", \"Ret\" : %d, \"SessionID\" : \"0x%08X\" }\n",
	    name.data && name.len < 64 ? (int)name.len : 0, name.data ? name.data : "",
	    state->in ? RET_OK : RET_NOT_LOGGED_IN, (unsigned)h->session);
	reply(io, h, text);
}

static void message(struct protocol_io *io, struct header *h, struct protocol_text body)
{
	struct state *state = io->state;
	struct protocol_text name = json_member(body, "Name");

	while (body.len > 0 && (body.data[body.len - 1] == '\n' || body.data[body.len - 1] == '\0'))
		body.len--;
	if (h->message == MSG_LOGIN)
		name = PROTOCOL_LITERAL("login");
	if (!state->told && name.data)
		protocol_attribute(io, PROTOCOL_REQUEST, name.data, name.len);
	state->told = true;
	if (h->message == MSG_LOGIN)
		login(io, h, body);
	else
		request(io, h, body);
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);
	struct header h;
	size_t n = len < state->skip ? len : state->skip;
	size_t have;
	bool whole;

	state->skip -= (uint32_t)n;
	if (n > 0 || state->opaque)
		return n > 0 ? n : len;
	if (rd_u8(&r) != HEAD) {
		protocol_event(io, EVENT_MALFORMED);
		state->opaque = true;
		io->hang_up = true;
		return len;
	}
	rd_skip(&r, 3);
	h.session = rd_u32le(&r);
	h.sequence = rd_u32le(&r);
	rd_skip(&r, 2);
	h.message = rd_u16le(&r);
	h.len = rd_u32le(&r);
	if (r.bad)
		return 0;
	if (h.len > BODY_MAX) {
		protocol_event(io, EVENT_MALFORMED);
		state->opaque = true;
		io->hang_up = true;
		return len;
	}
	have = rd_left(&r) < h.len ? rd_left(&r) : h.len;
	whole = have == h.len;
	if (!whole && !io->full)
		return 0;
	message(io, &h, (struct protocol_text){(const char *)r.pos, have});
	state->skip = h.len - (uint32_t)have;
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

/* FF, version 0 or 1, two zero bytes; zeros again before the message number. */
static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *data = start->client;
	size_t len = start->client_len;

	if (len == 0)
		return PROTOCOL_MORE;
	if (data[0] != HEAD || (len > 1 && data[1] > 1) || (len > 2 && data[2] != 0)
	    || (len > 3 && data[3] != 0))
		return PROTOCOL_NO;
	if (len < HEADER_LEN)
		return PROTOCOL_MORE;
	/* The message numbers in use are 1000 to 4000; a body is shorter than 64 KiB. */
	return data[18] == 0 && data[19] == 0 && data[15] >= 3 && data[15] <= 15 ? PROTOCOL_YES
	                                                                         : PROTOCOL_NO;
}

const struct protocol_module protocol_xmeye = {
	.name = "xmeye",
	.title = "XMeye/Sofia DVRIP",
	.spec = "Xiongmai DVRIP",
	.doc = "Logins (8-character hash) and JSON requests.  Answers as a recorder with its "
	       "default password; others get in at the second or third try.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {34567, 34568, 34569},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.reply_max = 512,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.gap = gap,
};
