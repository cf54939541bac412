/*
 * PostgreSQL: who logs in to which database with what password, queries.
 *
 * Answers TLS and GSS requests with N, asks for the password in clear and refuses it.  An error
 * tells the file, the line and the function that raised it, which differ between releases: port
 * scanners know a server by them, so they come from one release each (postgresql.server).  Passive:
 * what a password message means depends on what the server asked for: clear text, MD5 with a salt
 * (told in the form of hashcat mode 11100), SCRAM (the client's final message).  The outcome is
 * AuthenticationOk or an error.  PostgreSQL documentation, "Message Formats", protocol 3.0.
 */
#include "base/rd.h"
#include "protocol/attempt.h"
#include "protocol/encoding.h"
#include "protocol/line.h"
#include "protocol/phrase.h"

#include <stdio.h>

enum {
	EVENT_STARTUP,
	EVENT_TLS,
	EVENT_CANCEL,
	EVENT_QUERY,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_STARTUP] = {"startup", "startup message: user and database"},
	[EVENT_TLS] = {"tls", "SSLRequest or GSSENCRequest"},
	[EVENT_CANCEL] = {"cancel", "CancelRequest"},
	[EVENT_QUERY] = {"query", "Query or Parse"},
	[EVENT_MALFORMED] = {"malformed", "message that contradicts the protocol"},
};

#define CODE_CANCEL 80877102u
#define CODE_SSL 80877103u
#define CODE_GSS 80877104u
#define CODE_3_0 196608u
#define STARTUP_MAX 10000 /* real servers' limit */
#define INBOX 1024
#define SERVER_INBOX 64
#define SALT_LEN 4

#define ERROR_MAX 384
#define USER_TOLD 100 /* of a user's name, in an error */

/* Lines of the persona's postgresql.server. */
enum { AUTH_FILE, AUTH_LINE, STARTUP_FILE, STARTUP_LINE, NO_USER_LINE, EARLIEST };

enum { AUTH_OK = 0, AUTH_CLEAR = 3, AUTH_MD5 = 5, AUTH_SASL = 10 };

struct state {
	struct attempt attempt;
	uint64_t skip[2];
	bool started;
	bool done;        /* logged in: p is no password any more */
	uint8_t tls_asked; /* answers of one byte that are still to come */
	bool has_salt;
	uint8_t salt[SALT_LEN];
};

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const uint8_t v3[] = {0, 3, 0, 0};
	const uint8_t *p = start->client;
	size_t len = start->client_len;
	enum protocol_verdict verdict;

	if (start->hinted)
		return len == 0 || p[0] == 0 ? PROTOCOL_YES : PROTOCOL_NO;
	if (len == 0)
		return PROTOCOL_MORE;
	if (p[0] != 0 || (len > 1 && p[1] != 0))
		return PROTOCOL_NO;
	if (len <= 4)
		return PROTOCOL_MORE;
	verdict = probe_bytes(p + 4, len - 4, v3, sizeof(v3));
	if (verdict != PROTOCOL_NO) {
		/* A parameter's name follows, lower case. */
		if (verdict == PROTOCOL_YES && len > 8)
			return p[8] == 0 || (p[8] >= 'a' && p[8] <= 'z') ? PROTOCOL_YES
			                                                 : PROTOCOL_NO;
		return PROTOCOL_MORE;
	}
	verdict = probe_bytes(p + 4, len - 4, "\x04\xd2\x16", 3);
	if (verdict != PROTOCOL_YES || len < 8)
		return verdict == PROTOCOL_NO ? verdict : PROTOCOL_MORE;
	return p[7] >= 0x2e && p[7] <= 0x30 ? PROTOCOL_YES : PROTOCOL_NO;
}

static struct protocol_text take_string(struct rd *r)
{
	const uint8_t *end = rd_left(r) ? memchr(r->pos, 0, rd_left(r)) : NULL;
	struct protocol_text text = {(const char *)r->pos, end ? (size_t)(end - r->pos) : 0};

	if (!end)
		r->bad = true;
	else
		rd_skip(r, text.len + 1);
	return text;
}

/* ErrorResponse, behind which a server hangs up; file and line: which of the persona's lines. */
static void fail(struct protocol_io *io, const char *code, const char *message, unsigned file,
    unsigned line, const char *routine)
{
	const struct protocol_text name = phrase_line(io, "postgresql.server", file);
	const struct protocol_text number = phrase_line(io, "postgresql.server", line);
	uint8_t packet[ERROR_MAX];
	struct wr w = wr_init(packet, sizeof(packet));
	char text[ERROR_MAX];
	int n = snprintf(text, sizeof(text), "SFATAL%cVFATAL%cC%s%cM%s%cF%.*s%cL%.*s%cR%s%c", 0, 0,
	    code, 0, message, 0, (int)name.len, name.data, 0, (int)number.len, number.data, 0,
	    routine, 0);

	io->hang_up = true;
	if (n <= 0 || (size_t)n >= sizeof(text))
		return;
	wr_u8(&w, 'E');
	wr_u32be(&w, (uint32_t)(4 + n + 1));
	wr_bytes(&w, text, (size_t)n);
	wr_u8(&w, 0);
	if (!w.bad)
		protocol_reply(io, packet, wr_len(&w));
}

static void refuse(struct protocol_io *io)
{
	const struct state *state = io->state;
	const struct protocol_text user = attempt_user_text(&state->attempt);
	char text[USER_TOLD + 64];

	(void)snprintf(text, sizeof(text), "password authentication failed for user \"%.*s\"",
	    (int)(user.len < USER_TOLD ? user.len : USER_TOLD), user.data);
	fail(io, "28P01", text, AUTH_FILE, AUTH_LINE, "auth_failed");
}

static void unsupported(struct protocol_io *io, uint32_t code)
{
	const struct protocol_text earliest = phrase_line(io, "postgresql.server", EARLIEST);
	char text[96];

	(void)snprintf(text, sizeof(text),
	    "unsupported frontend protocol %u.%u: server supports %.*s to 3.0", code >> 16,
	    code & 0xffff, (int)earliest.len, earliest.data);
	if (code >> 16 == 1 || code >> 16 == 2) { /* as those protocols write it */
		protocol_replyf(io, "EFATAL:  %s\n%c", text, 0);
		io->hang_up = true;
		return;
	}
	fail(io, "0A000", text, STARTUP_FILE, STARTUP_LINE, "ProcessStartupPacket");
}

/* What another protocol's first bytes are to a server: a length, and a version that it lacks. */
static void stranger(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);
	const uint32_t size = rd_u32be(&r);

	if (r.bad)
		return;
	io->hang_up = size < 8 || size > STARTUP_MAX;
	if (!io->hang_up && rd_left(&r) >= 4)
		unsupported(io, rd_u32be(&r));
}

static void startup(struct protocol_io *io, struct rd *r)
{
	struct state *state = io->state;
	struct protocol_text database = PROTOCOL_LITERAL("");
	char text[200];
	int n;

	protocol_event(io, EVENT_STARTUP);
	state->started = true;
	while (!r->bad && rd_left(r) > 1) {
		const struct protocol_text key = take_string(r);
		const struct protocol_text value = take_string(r);

		if (r->bad)
			break;
		if (line_is(key, "user"))
			attempt_user(io, &state->attempt, value);
		else if (line_is(key, "database"))
			database = value;
		else if (line_is(key, "application_name"))
			protocol_attribute(io, PROTOCOL_SOFTWARE, value.data, value.len);
	}
	n = snprintf(text, sizeof(text), "connect %.*s",
	    (int)(database.len < 160 ? database.len : 160), database.data);
	if (database.len && n > 0)
		protocol_command(io, text, (size_t)n);
	if (attempt_user_text(&state->attempt).len == 0) {
		fail(io, "28000", "no PostgreSQL user name specified in startup packet", STARTUP_FILE,
		    NO_USER_LINE, "ProcessStartupPacket");
		return;
	}
	protocol_reply(io, "R\0\0\0\x08\0\0\0\x03", 9);
}

static void first_message(struct protocol_io *io, struct rd *r)
{
	struct state *state = io->state;
	const uint32_t code = rd_u32be(r);

	if (code == CODE_SSL || code == CODE_GSS) {
		protocol_event(io, EVENT_TLS);
		if (state->tls_asked < UINT8_MAX)
			state->tls_asked++;
		protocol_reply(io, "N", 1);
	} else if (code == CODE_CANCEL) {
		protocol_event(io, EVENT_CANCEL);
		io->hang_up = true;
	} else if (code >> 16 == CODE_3_0 >> 16) {
		startup(io, r);
	} else {
		protocol_event(io, EVENT_MALFORMED);
		unsupported(io, code);
	}
}

/* "md5" and 32 digits: MD5(MD5(password user) salt). */
static void md5_password(struct protocol_io *io, struct protocol_text response)
{
	struct state *state = io->state;
	const struct protocol_text user = attempt_user_text(&state->attempt);
	char salt[2 * SALT_LEN + 1] = "";
	char hash[ATTEMPT_PASSWORD_MAX];
	int n;

	if (state->has_salt)
		(void)encoding_hex(state->salt, SALT_LEN, salt, sizeof(salt));
	n = snprintf(hash, sizeof(hash), "$postgres$%.*s*%s*%.*s", (int)user.len, user.data, salt,
	    (int)response.len - 3, response.data + 3);
	if (n > 0 && (size_t)n < sizeof(hash))
		attempt_password(io, &state->attempt, (struct protocol_text){hash, (size_t)n},
		    PROTOCOL_SECRET_HASH, "md5");
}

static void password(struct protocol_io *io, struct rd *r)
{
	struct state *state = io->state;
	struct protocol_text text = {(const char *)r->pos, rd_left(r)};

	if (line_begins(text, "SCRAM-SHA-256")) /* the final message follows */
		return;
	if (text.len > 0 && text.data[text.len - 1] == '\0')
		text.len--;
	if (text.len == 35 && line_begins(text, "md5")) {
		md5_password(io, text);
	} else if (line_begins(text, "c=") && text.len > 30) {
		attempt_password(io, &state->attempt, text, PROTOCOL_SECRET_HASH, "SCRAM-SHA-256");
	} else {
		attempt_password(io, &state->attempt, text, PROTOCOL_SECRET_PASSWORD, "");
	}
	if (!io->answering)
		return;
	attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
	refuse(io);
}

static void message(struct protocol_io *io, uint8_t type, struct rd *r)
{
	const struct state *state = io->state;
	struct protocol_text text;

	switch (type) {
	case 'p':
		if (!state->done)
			password(io, r);
		break;
	case 'P':
		(void)take_string(r);
		/* fall through */
	case 'Q':
		text = (struct protocol_text){(const char *)r->pos, strnlen((const char *)r->pos,
			rd_left(r))};
		protocol_event(io, EVENT_QUERY);
		protocol_command(io, text.data, text.len);
		break;
	case 'X':
		io->hang_up = true;
		break;
	default:
		break;
	}
}

/* A message is a type, but for the first ones, and a length that counts itself. */
static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);
	const bool first = !state->started;
	uint8_t type = 0;
	uint32_t size;
	size_t n;

	if (state->skip[PROTOCOL_CLIENT] > 0) {
		n = len < state->skip[PROTOCOL_CLIENT] ? len : (size_t)state->skip[PROTOCOL_CLIENT];
		state->skip[PROTOCOL_CLIENT] -= n;
		return n;
	}
	if (!first)
		type = rd_u8(&r);
	size = rd_u32be(&r);
	if (r.bad)
		return 0;
	if (size < (first ? 8 : 4) || (first && size > STARTUP_MAX)) {
		protocol_event(io, EVENT_MALFORMED);
		state->skip[PROTOCOL_CLIENT] = UINT64_MAX;
		io->hang_up = true;
		return len;
	}
	size -= 4;
	if (rd_left(&r) < size && !io->full)
		return 0;
	n = rd_left(&r) < size ? rd_left(&r) : size;
	state->skip[PROTOCOL_CLIENT] = size - n;
	r = rd_sub(&r, n);
	if (first)
		first_message(io, &r);
	else
		message(io, type, &r);
	return n + (first ? 4 : 5);
}

static void authentication(struct protocol_io *io, struct rd *r)
{
	struct state *state = io->state;
	const uint32_t kind = rd_u32be(r);
	const uint8_t *salt = kind == AUTH_MD5 ? rd_take(r, SALT_LEN) : NULL;

	if (salt) {
		memcpy(state->salt, salt, SALT_LEN);
		state->has_salt = true;
	}
	if (kind != AUTH_OK || r->bad)
		return;
	if (!state->attempt.waiting && !state->done && state->attempt.user_len)
		attempt_password(
		    io, &state->attempt, PROTOCOL_LITERAL(""), PROTOCOL_SECRET_NONE, "trust");
	attempt_verdict(io, &state->attempt, PROTOCOL_ACCEPTED);
	state->done = true;
}

static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);
	uint8_t type;
	uint32_t size;
	size_t n;

	if (state->skip[PROTOCOL_SERVER] > 0) {
		n = len < state->skip[PROTOCOL_SERVER] ? len : (size_t)state->skip[PROTOCOL_SERVER];
		state->skip[PROTOCOL_SERVER] -= n;
		return n;
	}
	if (state->tls_asked > 0 && (data[0] == 'S' || data[0] == 'N' || data[0] == 'G')) {
		state->tls_asked--;
		io->handover = data[0] != 'N';
		return 1;
	}
	type = rd_u8(&r);
	size = rd_u32be(&r);
	if (r.bad)
		return 0;
	if (size < 4) {
		state->skip[PROTOCOL_SERVER] = UINT64_MAX;
		return len;
	}
	size -= 4;
	if (rd_left(&r) < size && !io->full)
		return 0;
	n = rd_left(&r) < size ? rd_left(&r) : size;
	state->skip[PROTOCOL_SERVER] = size - n;
	r = rd_sub(&r, n);
	if (type == 'R')
		authentication(io, &r);
	else if (type == 'E')
		attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
	return 5 + n;
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	attempt_verdict(io, &state->attempt, PROTOCOL_OUTCOME_UNKNOWN);
}

const struct protocol_module protocol_postgresql = {
	.name = "postgresql",
	.title = "PostgreSQL",
	.spec = "PostgreSQL frontend/backend protocol 3.0",
	.doc = "Logins with their passwords (or MD5 and SCRAM responses), databases, queries, the "
	       "client's name.  Answers as a server that asks for the password in clear and "
	       "refuses it.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {5432, 5433},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.server_inbox = SERVER_INBOX,
	.reply_max = 512,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.server = server,
	.close = close_session,
	.stranger = stranger,
};
