/*
 * LDAP: binds with their passwords, searches, StartTLS.
 *
 * Anonymous binds are let in, so that searches come; every name is refused.  Searches end at once
 * without an entry.  SASL binds are told by their mechanism; NTLM's response by ntlm.h.  Passive:
 * a bind's outcome is the server's BindResponse.  RFC 4511, 4513; MS-ADTS 5.1.1.
 */
#include "protocol/attempt.h"
#include "protocol/ber.h"
#include "protocol/ldap_search.h"
#include "protocol/line.h"
#include "protocol/ntlm.h"

#include <stdio.h>

enum {
	EVENT_BIND,
	EVENT_BIND_ANONYMOUS,
	EVENT_SEARCH,
	EVENT_TLS,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_BIND] = {"bind", "BindRequest"},
	[EVENT_BIND_ANONYMOUS] = {"bind.anonymous", "BindRequest without a name and a password"},
	[EVENT_SEARCH] = {"search", "SearchRequest"},
	[EVENT_TLS] = {"tls", "StartTLS"},
	[EVENT_MALFORMED] = {"malformed", "message that contradicts the protocol"},
};

#define INBOX 1024
#define SERVER_INBOX 192
#define MESSAGE_MAX (16u << 20)
#define REFUSALS_MAX 5

enum result { RESULT_SUCCESS = 0, RESULT_PROTOCOL_ERROR = 2, RESULT_SASL_IN_PROGRESS = 14,
	RESULT_NO_SUCH_OBJECT = 32, RESULT_INVALID_CREDENTIALS = 49, RESULT_UNWILLING = 53 };

struct state {
	struct attempt attempt;
	uint32_t skip[2];
	bool tls_asked;
	bool has_challenge;
	uint8_t refusals;
	uint8_t challenge[NTLM_CHALLENGE_LEN];
};

/* 30 length 02 length id, and an operation that clients begin with. */
static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *p = start->client;
	size_t len = start->client_len;
	size_t at = 2;

	if (start->hinted)
		return len == 0 || p[0] == 0x30 ? PROTOCOL_YES : PROTOCOL_NO;
	if (len == 0)
		return PROTOCOL_MORE;
	if (p[0] != 0x30 || (len > 1 && p[1] > 0x84))
		return PROTOCOL_NO;
	if (len < 2)
		return PROTOCOL_MORE;
	if (p[1] >= 0x80)
		at += p[1] & 0x7f;
	if (len > at && p[at] != 0x02)
		return PROTOCOL_NO;
	if (len > at + 1 && (p[at + 1] == 0 || p[at + 1] > 4))
		return PROTOCOL_NO;
	if (len < at + 2 || len < at + 3 + p[at + 1])
		return PROTOCOL_MORE;
	at += 2 + (size_t)p[at + 1];
	return p[at] == LDAP_BIND || p[at] == LDAP_SEARCH || p[at] == LDAP_EXTENDED ? PROTOCOL_YES
	                                                                           : PROTOCOL_NO;
}

static void reply(struct protocol_io *io, uint32_t id, uint8_t tag, enum result code)
{
	uint8_t packet[32];
	size_t len = ldap_result(packet, id, tag, (uint8_t)code);

	protocol_reply(io, packet, len);
}

static void bind_done(struct protocol_io *io, uint32_t id, bool anonymous)
{
	struct state *state = io->state;

	if (!io->answering)
		return;
	if (anonymous) {
		reply(io, id, LDAP_BIND_RESPONSE, RESULT_SUCCESS);
		return;
	}
	attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
	reply(io, id, LDAP_BIND_RESPONSE, RESULT_INVALID_CREDENTIALS);
	io->hang_up = ++state->refusals >= REFUSALS_MAX;
}

/* BindResponse with NTLM's challenge as the server's credentials. */
static void challenge(struct protocol_io *io, uint32_t id)
{
	struct state *state = io->state;
	const struct ntlm_server server = ntlm_server_persona(io, "ldap");
	const uint64_t random = protocol_random(io);
	uint8_t message[NTLM_CHALLENGE_MESSAGE_MAX];
	struct wr m = wr_init(message, sizeof(message));
	uint8_t packet[NTLM_CHALLENGE_MESSAGE_MAX + 64];
	struct wr w = wr_init(packet, sizeof(packet));
	size_t size;

	memcpy(state->challenge, &random, sizeof(state->challenge));
	state->has_challenge = true;
	ntlm_write_challenge(&m, &server, state->challenge, io->now_us);
	if (m.bad)
		return;
	size = 7 + der_head_size(wr_len(&m)) + wr_len(&m);
	der_write_head(&w, 0x30, 6 + der_head_size(size) + size);
	wr_bytes(&w, "\x02\x04", 2);
	wr_u32be(&w, id & 0x7fffffff);
	der_write_head(&w, LDAP_BIND_RESPONSE, size);
	wr_bytes(&w, "\x0a\x01\x0e\x04\x00\x04\x00", 7);
	der_write_head(&w, 0x87, wr_len(&m));
	wr_bytes(&w, message, wr_len(&m));
	if (!w.bad)
		protocol_reply(io, packet, wr_len(&w));
}

/* An NTLM message inside a SASL bind, or in Microsoft's own kinds of bind (tags 89, 8a, 8b). */
static void bind_ntlm(struct protocol_io *io, uint32_t id, const uint8_t *at, size_t len)
{
	struct state *state = io->state;
	struct ntlm_message message;

	if (ntlm_parse(at, len, &message) != ST_OK) {
		bind_done(io, id, false);
		return;
	}
	if (message.type != NTLM_AUTHENTICATE) {
		if (io->answering)
			challenge(io, id);
		return;
	}
	if (!ntlm_is_anonymous(&message))
		ntlm_login(io, &message, state->has_challenge ? state->challenge : NULL, "NTLM",
		    io->answering ? PROTOCOL_REFUSED : PROTOCOL_OUTCOME_UNKNOWN);
	bind_done(io, id, false);
}

/* mechanism OCTET STRING, credentials OCTET STRING OPTIONAL */
static void bind_sasl(
    struct protocol_io *io, uint32_t id, struct protocol_text name, struct rd value)
{
	struct state *state = io->state;
	struct rd mechanism = ber_expect(&value, 0x04);
	const uint8_t *ntlm = ntlm_find(value.pos, rd_left(&value));
	char text[80];
	int n;

	n = snprintf(text, sizeof(text), "bind %.*s", (int)(rd_left(&mechanism) < 60
	    ? rd_left(&mechanism) : 60), mechanism.pos ? (const char *)mechanism.pos : "");
	if (n > 0)
		protocol_command(io, text, (size_t)n);
	if (ntlm) {
		bind_ntlm(io, id, ntlm, (size_t)(value.end - ntlm));
		return;
	}
	if (name.len) {
		attempt_user(io, &state->attempt, name);
		attempt_password(
		    io, &state->attempt, PROTOCOL_LITERAL(""), PROTOCOL_SECRET_NONE, "SASL");
	}
	bind_done(io, id, false);
}

static void bind_request(struct protocol_io *io, uint32_t id, struct rd r)
{
	struct state *state = io->state;
	struct protocol_text name;
	struct protocol_text password;
	struct rd value;
	uint8_t tag;

	protocol_event(io, EVENT_BIND);
	(void)ber_number(&r, 0x02); /* version */
	value = ber_expect(&r, 0x04);
	name = (struct protocol_text){(const char *)value.pos, rd_left(&value)};
	tag = ber_take(&r, &value);
	if (r.bad) {
		protocol_event(io, EVENT_MALFORMED);
		reply(io, id, LDAP_BIND_RESPONSE, RESULT_PROTOCOL_ERROR);
		io->hang_up = true;
		return;
	}
	password = (struct protocol_text){(const char *)value.pos, rd_left(&value)};
	if (tag == 0xa3) {
		bind_sasl(io, id, name, value);
	} else if (tag >= 0x89 && tag <= 0x8b) { /* Microsoft's Sicily */
		const uint8_t *ntlm = ntlm_find(value.pos, rd_left(&value));

		if (ntlm)
			bind_ntlm(io, id, ntlm, (size_t)(value.end - ntlm));
		else
			bind_done(io, id, false);
	} else if (name.len == 0 && password.len == 0) {
		protocol_event(io, EVENT_BIND_ANONYMOUS);
		bind_done(io, id, true);
	} else {
		attempt_user(io, &state->attempt, name);
		attempt_password(io, &state->attempt, password, PROTOCOL_SECRET_PASSWORD, "");
		bind_done(io, id, false);
	}
}

static void extended(struct protocol_io *io, uint32_t id, struct rd r)
{
	static const char start_tls[] = "1.3.6.1.4.1.1466.20037";
	struct state *state = io->state;
	struct rd name = ber_expect(&r, 0x80);
	const struct protocol_text oid = {(const char *)name.pos, rd_left(&name)};
	char text[80];
	int n = snprintf(text, sizeof(text), "extended %.*s", (int)(oid.len < 60 ? oid.len : 60),
	    oid.data ? oid.data : "");

	if (n > 0)
		protocol_command(io, text, (size_t)n);
	if (oid.data && line_is(oid, start_tls)) {
		protocol_event(io, EVENT_TLS);
		state->tls_asked = true;
	}
	reply(io, id, LDAP_EXTENDED_RESPONSE, RESULT_PROTOCOL_ERROR);
}

static void message(struct protocol_io *io, struct rd r)
{
	struct rd operation;
	uint32_t id;
	uint8_t tag;

	if (!ldap_message(r, &id, &tag, &operation)) {
		protocol_event(io, EVENT_MALFORMED);
		io->hang_up = true;
		return;
	}
	switch (tag) {
	case LDAP_BIND:
		bind_request(io, id, operation);
		break;
	case LDAP_SEARCH:
		protocol_event(io, EVENT_SEARCH);
		if (ldap_search_tell(io, operation))
			reply(io, id, LDAP_SEARCH_DONE, RESULT_SUCCESS);
		else
			reply(io, id, LDAP_SEARCH_DONE, RESULT_PROTOCOL_ERROR);
		break;
	case LDAP_EXTENDED:
		extended(io, id, operation);
		break;
	case LDAP_UNBIND:
		io->hang_up = true;
		break;
	default:
		break;
	}
}

/* The message at the view's beginning: its value, or nothing when it is longer than the inbox. */
static size_t take_message(struct protocol_io *io, enum protocol_side side, const uint8_t *data,
    size_t len, struct rd *ret)
{
	struct state *state = io->state;
	size_t size = ber_size(data, len);
	struct rd r;

	*ret = rd_init(NULL, 0);
	if (state->skip[side] > 0) {
		size = len < state->skip[side] ? len : state->skip[side];
		state->skip[side] -= (uint32_t)size;
		return size;
	}
	if (data[0] != 0x30 || size > MESSAGE_MAX) {
		protocol_event(io, EVENT_MALFORMED);
		state->skip[side] = UINT32_MAX;
		io->hang_up = true;
		return len;
	}
	if (size == 0)
		return 0;
	if (size > len && !io->full)
		return 0;
	if (size > len) { /* only what a server says is still read, as far as it goes */
		state->skip[side] = (uint32_t)(size - len);
		return len;
	}
	r = rd_init(data, size);
	(void)ber_take(&r, ret);
	return size;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct rd r;
	size_t taken = take_message(io, PROTOCOL_CLIENT, data, len, &r);

	if (taken > 0 && r.pos)
		message(io, r);
	return taken;
}

/* The answer to a bind; a long one is NTLM's challenge and more, of which the first part tells. */
static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	const bool skipping = state->skip[PROTOCOL_SERVER] > 0;
	const uint8_t *ntlm;
	struct rd r;
	struct rd operation;
	uint32_t id;
	uint8_t tag;
	uint32_t code;
	size_t taken = take_message(io, PROTOCOL_SERVER, data, len, &r);

	ntlm = skipping ? NULL : ntlm_find(data, taken);
	if (ntlm && (size_t)(data + taken - ntlm) >= 24 + NTLM_CHALLENGE_LEN) {
		memcpy(state->challenge, ntlm + 24, NTLM_CHALLENGE_LEN);
		state->has_challenge = true;
	}
	if (taken == 0 || !r.pos || !ldap_message(r, &id, &tag, &operation))
		return taken;
	code = ber_number(&operation, 0x0a);
	if (operation.bad)
		return taken;
	if (tag == LDAP_BIND_RESPONSE && code != RESULT_SASL_IN_PROGRESS)
		attempt_verdict(io, &state->attempt,
		    code == RESULT_SUCCESS ? PROTOCOL_ACCEPTED : PROTOCOL_REFUSED);
	if (tag == LDAP_EXTENDED_RESPONSE) {
		io->handover = state->tls_asked && code == RESULT_SUCCESS;
		state->tls_asked = false;
	}
	return taken;
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	attempt_verdict(io, &state->attempt, PROTOCOL_OUTCOME_UNKNOWN);
}

const struct protocol_module protocol_ldap = {
	.name = "ldap",
	.title = "LDAP",
	.spec = "RFC 4511, 4513, 4515",
	.doc = "Simple binds with their passwords, SASL mechanisms and NTLM responses, searches.  "
	       "Answers as an empty directory that lets only anonymous clients in.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {389, 3268},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.server_inbox = SERVER_INBOX,
	.reply_max = 640,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.server = server,
	.close = close_session,
};
