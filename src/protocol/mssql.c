/*
 * Microsoft SQL Server and its ancestors (TDS): logins with their plaintext passwords, the client's
 * host and program, queries.
 *
 * LOGIN7's password is only scrambled; TDS 4.2's is plain.  PRELOGIN is answered with "no
 * encryption", so that clients which can log in without TLS do.  Every login is refused; Windows
 * logins are asked for their NTLM response first.  Passive: the outcome is LOGINACK or ERROR.
 * MS-TDS 2.2.6.4, 2.2.6.5, 2.2.7; TDS 4.2 and 5.0 login record.
 */
#include "base/rd.h"
#include "protocol/attempt.h"
#include "protocol/encoding.h"
#include "protocol/line.h"
#include "protocol/ntlm.h"

#include <stdio.h>

enum {
	EVENT_PRELOGIN,
	EVENT_LOGIN,
	EVENT_TLS,
	EVENT_QUERY,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_PRELOGIN] = {"prelogin", "PRELOGIN: versions and options"},
	[EVENT_LOGIN] = {"login", "LOGIN7, or the login record of TDS 4.2"},
	[EVENT_TLS] = {"tls", "TLS inside PRELOGIN: what follows is not seen"},
	[EVENT_QUERY] = {"query", "SQL batch"},
	[EVENT_MALFORMED] = {"malformed", "packet that contradicts the protocol"},
};

enum type { TYPE_BATCH = 1, TYPE_LOGIN_42 = 2, TYPE_RESPONSE = 4, TYPE_LOGIN_7 = 0x10,
	TYPE_SSPI = 0x11, TYPE_PRELOGIN = 0x12 };

enum token { TOKEN_ERROR = 0xaa, TOKEN_INFO = 0xab, TOKEN_LOGINACK = 0xad, TOKEN_ENVCHANGE = 0xe3,
	TOKEN_SSPI = 0xed };

#define HEADER 8
#define STATUS_LAST 1
#define PACKET_MAX 32767
#define INBOX 1024
#define SERVER_INBOX 160
#define NAME_MAX 192    /* of a LOGIN7 string as UTF-8 */
#define STRINGS_AT 36   /* LOGIN7: offset and length pairs */
#define RECORD_FIELD 30 /* TDS 4.2: bytes of a field, its length behind it */
#define LOGIN_FAILED 18456
#define REFUSALS_MAX 3

struct state {
	struct attempt attempt;
	uint32_t skip[2];
	bool in_login;   /* the login record goes on in the next packet */
	bool old;        /* TDS 4.2: texts of eight bits */
	bool is_windows; /* an SSPI response is to come */
	bool has_challenge;
	uint8_t refusals;
	uint8_t challenge[NTLM_CHALLENGE_LEN];
};

static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *p = start->client;
	size_t len = start->client_len;
	enum protocol_verdict verdict = PROTOCOL_YES;

	if (start->hinted)
		return len == 0 || p[0] <= TYPE_PRELOGIN ? PROTOCOL_YES : PROTOCOL_NO;
	if (len == 0)
		return PROTOCOL_MORE;
	if (p[0] != TYPE_PRELOGIN && p[0] != TYPE_LOGIN_7 && p[0] != TYPE_LOGIN_42)
		return PROTOCOL_NO;
	if (len > 1 && p[1] > STATUS_LAST)
		return PROTOCOL_NO;
	if (len < HEADER + 8)
		verdict = PROTOCOL_MORE;
	if (len > 5 && (p[4] || p[5])) /* SPID */
		return PROTOCOL_NO;
	if (p[0] == TYPE_LOGIN_42)
		return len > 3 && (p[2] != 2 || p[3] != 0) ? PROTOCOL_NO : verdict;
	if (len > 2 && p[2] > 0x10)
		return PROTOCOL_NO;
	if (p[0] == TYPE_PRELOGIN) /* the first option is VERSION, six bytes long */
		return len > HEADER && (p[HEADER] != 0 || (len > 12 && (p[11] || p[12] != 6)))
		    ? PROTOCOL_NO : verdict;
	return len > 15 && (p[10] || p[11] || p[15] < 0x70 || p[15] > 0x74) && p[12] < 0x70
	    ? PROTOCOL_NO : verdict;
}

/* ---- replies -------------------------------------------------------------------------------- */

static void send_packet(struct protocol_io *io, struct wr *w)
{
	size_t len = wr_len(w);

	if (w->bad)
		return;
	w->start[0] = TYPE_RESPONSE;
	w->start[1] = STATUS_LAST;
	w->start[2] = (uint8_t)(len >> 8);
	w->start[3] = (uint8_t)len;
	memcpy(w->start + 4, "\0\0\1\0", 4);
	protocol_reply(io, w->start, len);
}

/* "15.0.2000" as VERSION's four bytes. */
static void write_version(struct wr *w, const char *text)
{
	unsigned number[3] = {0, 0, 0};
	unsigned i = 0;

	for (; *text && i < 3; text++) {
		if (*text == '.')
			i++;
		else if (*text >= '0' && *text <= '9' && number[i] < 10000)
			number[i] = number[i] * 10 + (unsigned)(*text - '0');
	}
	wr_u8(w, (uint8_t)number[0]);
	wr_u8(w, (uint8_t)number[1]);
	wr_u16be(w, (uint16_t)number[2]);
}

/* Does a PRELOGIN ask for this option?  Five bytes each, up to 0xff. */
static bool asks_for(struct rd r, uint8_t option)
{
	while (rd_left(&r) >= 5 && r.pos[0] != 0xff) {
		if (r.pos[0] == option)
			return true;
		rd_skip(&r, 5);
	}
	return false;
}

/* Servers that know MARS tell it to who asks: the client's options decide which come back. */
static void answer_prelogin(struct protocol_io *io, struct rd asked)
{
	enum { OPTION = 5, MARS = 4 };
	const bool mars = asks_for(asked, MARS);
	const uint8_t base = (uint8_t)((mars ? 5 : 4) * OPTION + 1);
	const uint8_t options[] = {
		0, 0, base, 0, 6,                 /* VERSION */
		1, 0, (uint8_t)(base + 6), 0, 1,  /* ENCRYPTION: not supported */
		2, 0, (uint8_t)(base + 7), 0, 1,  /* INSTOPT */
		3, 0, (uint8_t)(base + 8), 0, 0,  /* THREADID */
		MARS, 0, (uint8_t)(base + 8), 0, 1,
	};
	uint8_t packet[64];
	struct wr w = wr_init(packet, sizeof(packet));

	wr_bytes(&w, "\0\0\0\0\0\0\0\0", HEADER);
	wr_bytes(&w, options, base - 1u);
	wr_u8(&w, 0xff);
	write_version(&w, protocol_persona(io, "mssql.tds"));
	wr_u16le(&w, 0);
	wr_u8(&w, 2);
	wr_u8(&w, 0);
	if (mars)
		wr_u8(&w, 0);
	send_packet(io, &w);
}

/* A text as this client's version has it: UTF-16LE, or eight bits. */
static void write_text(const struct state *state, struct wr *w, const char *text)
{
	for (; *text; text++) {
		wr_u8(w, (uint8_t)*text);
		if (!state->old)
			wr_u8(w, 0);
	}
}

static void refuse(struct protocol_io *io)
{
	struct state *state = io->state;
	const struct protocol_text user = attempt_user_text(&state->attempt);
	const char *server = protocol_persona(io, "persona.hostname");
	const size_t wide = state->old ? 1 : 2;
	uint8_t packet[960];
	struct wr w = wr_init(packet, sizeof(packet));
	char text[160];
	size_t text_len;
	size_t server_len = strnlen(server, 64);

	(void)snprintf(text, sizeof(text), "Login failed for user '%.*s'.",
	    (int)(user.len < 100 ? user.len : 100), user.data);
	text_len = strlen(text);
	wr_bytes(&w, "\0\0\0\0\0\0\0\0", HEADER);
	wr_u8(&w, TOKEN_ERROR);
	wr_u16le(&w, (uint16_t)(4 + 1 + 1 + 2 + wide * text_len + 1 + wide * server_len + 1 +
	    (state->old ? 2 : 4)));
	wr_u32le(&w, LOGIN_FAILED);
	wr_u8(&w, 1);
	wr_u8(&w, 14);
	wr_u16le(&w, (uint16_t)text_len);
	write_text(state, &w, text);
	wr_u8(&w, (uint8_t)server_len);
	write_text(state, &w, server);
	wr_u8(&w, 0);
	wr_u16le(&w, 1);
	if (!state->old)
		wr_u16le(&w, 0);
	wr_bytes(&w, "\xfd\x02\x00\x00\x00\x00\x00\x00\x00", 9);
	if (!state->old)
		wr_u32le(&w, 0);
	send_packet(io, &w);
	io->hang_up = ++state->refusals >= REFUSALS_MAX;
}

/* The SSPI token with NTLM's challenge. */
static void challenge(struct protocol_io *io)
{
	struct state *state = io->state;
	const struct ntlm_server server = ntlm_server_persona(io, "mssql");
	const uint64_t random = protocol_random(io);
	uint8_t packet[HEADER + 3 + NTLM_CHALLENGE_MESSAGE_MAX];
	struct wr w = wr_init(packet, sizeof(packet));

	memcpy(state->challenge, &random, sizeof(state->challenge));
	state->has_challenge = true;
	wr_bytes(&w, "\0\0\0\0\0\0\0\0", HEADER);
	wr_u8(&w, TOKEN_SSPI);
	wr_u16le(&w, 0);
	ntlm_write_challenge(&w, &server, state->challenge, io->now_us);
	if (w.bad)
		return;
	packet[HEADER + 1] = (uint8_t)(wr_len(&w) - HEADER - 3);
	packet[HEADER + 2] = (uint8_t)((wr_len(&w) - HEADER - 3) >> 8);
	send_packet(io, &w);
}

/* ---- logins --------------------------------------------------------------------------------- */

static void complete(struct protocol_io *io, bool last)
{
	struct state *state = io->state;

	state->in_login = !last;
	if (!io->answering || !last)
		return;
	if (state->is_windows) {
		challenge(io);
		return;
	}
	attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
	refuse(io);
}

/* A string of LOGIN7, by its pair's place in the head; unscrambled when it is the password. */
static size_t login7_text(struct rd whole, unsigned pair, bool scrambled, char out[NAME_MAX])
{
	uint8_t plain[NAME_MAX];
	struct rd r = whole;
	const uint8_t *p;
	size_t at;
	size_t len;

	rd_skip(&r, STRINGS_AT + 4 * (size_t)pair);
	at = rd_u16le(&r);
	len = 2 * (size_t)rd_u16le(&r);
	if (len > NAME_MAX / 2)
		len = NAME_MAX / 2; /* a character may take twice the room as UTF-8 */
	rd_skip(&whole, at);
	p = rd_take(&whole, len);
	if (r.bad || !p)
		return 0;
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = scrambled ? p[i] ^ 0xa5 : p[i];

		plain[i] = scrambled ? (uint8_t)(byte << 4 | byte >> 4) : byte;
	}
	return encoding_utf16le(plain, len, out, NAME_MAX);
}

static void tell_client(struct protocol_io *io, struct protocol_text program,
    struct protocol_text host, struct protocol_text database)
{
	char text[3 * NAME_MAX];
	int n = snprintf(text, sizeof(text), "login host=%.*s program=%.*s database=%.*s",
	    (int)host.len, host.data, (int)program.len, program.data, (int)database.len,
	    database.data);

	if (n > 0 && (size_t)n < sizeof(text))
		protocol_command(io, text, (size_t)n);
	if (program.len)
		protocol_attribute(io, PROTOCOL_SOFTWARE, program.data, program.len);
}

static void login7(struct protocol_io *io, struct rd r, bool last)
{
	enum { HOST, USER, PASSWORD, PROGRAM, DATABASE = 8 };
	struct state *state = io->state;
	char user[NAME_MAX];
	char password[NAME_MAX];
	char program[NAME_MAX];
	char host[NAME_MAX];
	char database[NAME_MAX];
	const uint8_t *sspi;

	protocol_event(io, EVENT_LOGIN);
	if (rd_left(&r) < STRINGS_AT + 4 * (DATABASE + 1)) {
		protocol_event(io, EVENT_MALFORMED);
		io->hang_up = true;
		return;
	}
	tell_client(io, (struct protocol_text){program, login7_text(r, PROGRAM, false, program)},
	    (struct protocol_text){host, login7_text(r, HOST, false, host)},
	    (struct protocol_text){database, login7_text(r, DATABASE, false, database)});
	sspi = ntlm_find(r.pos, rd_left(&r));
	state->is_windows = sspi != NULL;
	if (!sspi) {
		attempt_user(io, &state->attempt,
		    (struct protocol_text){user, login7_text(r, USER, false, user)});
		attempt_password(io, &state->attempt,
		    (struct protocol_text){password, login7_text(r, PASSWORD, true, password)},
		    PROTOCOL_SECRET_PASSWORD, "");
	}
	complete(io, last);
}

/* A field of the old login record: 30 bytes and their count. */
static struct protocol_text record_field(struct rd r, size_t at)
{
	const uint8_t *p;
	uint8_t len;

	rd_skip(&r, at);
	p = rd_take(&r, RECORD_FIELD);
	len = rd_u8(&r);
	if (!p || r.bad || len > RECORD_FIELD)
		return PROTOCOL_LITERAL("");
	return (struct protocol_text){(const char *)p, len};
}

static void login42(struct protocol_io *io, struct rd r, bool last)
{
	struct state *state = io->state;

	if (state->in_login) { /* its second packet holds nothing more of interest */
		complete(io, last);
		return;
	}
	state->old = true;
	protocol_event(io, EVENT_LOGIN);
	tell_client(io, record_field(r, 140), record_field(r, 0), PROTOCOL_LITERAL(""));
	attempt_user(io, &state->attempt, record_field(r, 31));
	attempt_password(
	    io, &state->attempt, record_field(r, 62), PROTOCOL_SECRET_PASSWORD, "TDS 4.2");
	complete(io, last);
}

static void sspi_response(struct protocol_io *io, struct rd r)
{
	struct state *state = io->state;
	struct ntlm_message message;
	const uint8_t *at = ntlm_find(r.pos, rd_left(&r));

	if (at && ntlm_parse(at, (size_t)(r.end - at), &message) == ST_OK &&
	    message.type == NTLM_AUTHENTICATE && !ntlm_is_anonymous(&message))
		ntlm_login(io, &message, state->has_challenge ? state->challenge : NULL, "NTLM",
		    io->answering ? PROTOCOL_REFUSED : PROTOCOL_OUTCOME_UNKNOWN);
	if (io->answering)
		refuse(io);
}

/* SQL as UTF-16LE, behind the headers that newer versions put first. */
static void batch(struct protocol_io *io, struct rd r)
{
	char text[PROTOCOL_TEXT_MAX];
	struct rd peek = r;
	uint32_t headers = rd_u32le(&peek);

	protocol_event(io, EVENT_QUERY);
	if (headers >= 4 && headers <= 64)
		rd_skip(&r, headers);
	protocol_command(io, text, encoding_utf16le(r.pos, rd_left(&r), text, sizeof(text)));
}

static void packet(struct protocol_io *io, uint8_t type, bool last, struct rd r)
{
	switch (type) {
	case TYPE_PRELOGIN:
		if (rd_left(&r) > 0 && r.pos[0] != 0) {
			protocol_event(io, EVENT_TLS);
			io->hang_up = true;
			break;
		}
		protocol_event(io, EVENT_PRELOGIN);
		answer_prelogin(io, r);
		break;
	case TYPE_LOGIN_7:
		login7(io, r, last);
		break;
	case TYPE_LOGIN_42:
		login42(io, r, last);
		break;
	case TYPE_SSPI:
		sspi_response(io, r);
		break;
	case TYPE_BATCH:
		batch(io, r);
		break;
	default:
		if (type > TYPE_PRELOGIN) {
			protocol_event(io, EVENT_MALFORMED);
			io->hang_up = true;
		}
		break;
	}
}

/* The packet at the view's beginning, or its first part when it is longer than the inbox. */
static size_t take_packet(struct protocol_io *io, enum protocol_side side, const uint8_t *data,
    size_t len, struct rd *ret, uint8_t *ret_type, bool *ret_last)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);
	uint32_t size;
	size_t n;

	*ret = rd_init(NULL, 0);
	if (state->skip[side] > 0) {
		n = len < state->skip[side] ? len : state->skip[side];
		state->skip[side] -= (uint32_t)n;
		return n;
	}
	*ret_type = rd_u8(&r);
	*ret_last = rd_u8(&r) & STATUS_LAST;
	size = rd_u16be(&r);
	rd_skip(&r, 4);
	if (r.bad)
		return 0;
	if (size < HEADER || size > PACKET_MAX) {
		protocol_event(io, EVENT_MALFORMED);
		state->skip[side] = UINT32_MAX;
		io->hang_up = true;
		return len;
	}
	size -= HEADER;
	if (rd_left(&r) < size && !io->full)
		return 0;
	n = rd_left(&r) < size ? rd_left(&r) : size;
	state->skip[side] = size - (uint32_t)n;
	*ret = rd_init(data + HEADER, n);
	return HEADER + n;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct rd r;
	uint8_t type;
	bool last;
	size_t taken = take_packet(io, PROTOCOL_CLIENT, data, len, &r, &type, &last);

	if (taken > 0 && r.pos)
		packet(io, type, last, r);
	return taken;
}

/* Tokens up to the one that decides. */
static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r;
	uint8_t type;
	bool last;
	size_t taken = take_packet(io, PROTOCOL_SERVER, data, len, &r, &type, &last);

	if (taken == 0 || !r.pos || type != TYPE_RESPONSE)
		return taken;
	while (!r.bad && rd_left(&r) > 2) {
		uint8_t token = rd_u8(&r);
		uint16_t size = rd_u16le(&r);
		const uint8_t *p;

		if (token == TOKEN_LOGINACK)
			attempt_verdict(io, &state->attempt, PROTOCOL_ACCEPTED);
		if (token == TOKEN_ERROR)
			attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
		p = token == TOKEN_SSPI ? ntlm_find(r.pos, rd_left(&r)) : NULL;
		if (p && (size_t)(r.end - p) >= 24 + NTLM_CHALLENGE_LEN) {
			memcpy(state->challenge, p + 24, NTLM_CHALLENGE_LEN);
			state->has_challenge = true;
		}
		if (token != TOKEN_ENVCHANGE && token != TOKEN_INFO)
			break;
		rd_skip(&r, size);
	}
	return taken;
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	attempt_verdict(io, &state->attempt, PROTOCOL_OUTCOME_UNKNOWN);
}

const struct protocol_module protocol_mssql = {
	.name = "mssql",
	.title = "Microsoft SQL Server",
	.spec = "MS-TDS, TDS 4.2 login record",
	.doc = "Logins with plaintext passwords, NTLM responses, the client's host and program, "
	       "SQL batches.  Answers as a server without encryption that refuses every login.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {1433},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.server_inbox = SERVER_INBOX,
	.reply_max = 1024,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.server = server,
	.close = close_session,
};
