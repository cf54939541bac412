/*
 * MySQL and MariaDB: who logs in, to which database, with which client.
 *
 * A login is a user with an empty password; the response to the server's scramble is told as a
 * command, `auth PLUGIN HASH`, in the form of hashcat mode 11200 ($mysqlna$scramble*response) for
 * mysql_native_password.  When answering the client is switched to mysql_clear_password once, which
 * some clients obey: then the password is what was typed.  Everybody is refused.  Passive: the
 * scramble is the server's greeting's, the outcome its OK or ERR; queries after it are commands.
 * MySQL internals: Protocol::HandshakeV10, HandshakeResponse41 and 320, AuthSwitchRequest, COM_*.
 */
#include "base/rd.h"
#include "protocol/attempt.h"
#include "protocol/encoding.h"
#include "protocol/line.h"

#include <stdio.h>

enum {
	EVENT_LOGIN,
	EVENT_TLS,
	EVENT_QUERY,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_LOGIN] = {"login", "handshake response: a user name"},
	[EVENT_TLS] = {"tls", "TLS is asked for"},
	[EVENT_QUERY] = {"query", "COM_QUERY or COM_INIT_DB"},
	[EVENT_MALFORMED] = {"malformed", "packet that contradicts the protocol"},
};

enum {
	CAP_CONNECT_WITH_DB = 1 << 3,
	CAP_PROTOCOL_41 = 1 << 9,
	CAP_SSL = 1 << 11,
	CAP_SECURE_CONNECTION = 1 << 15,
	CAP_PLUGIN_AUTH = 1 << 19,
	CAP_CONNECT_ATTRS = 1 << 20,
	CAP_LENENC_AUTH = 1 << 21,
};

/* Capabilities of the greeting: everything usual but TLS, which would hide the login. */
#define GREETING_CAPS_LOW 0xf7ff
#define GREETING_CAPS_HIGH 0x0081
#define HEADER 4
#define INBOX 768
#define SERVER_INBOX 128 /* the greeting; of other packets only the beginning matters */
#define SCRAMBLE 20
#define RESPONSE_41_FIXED 32
#define RESPONSE_MAX 64

enum phase {
	PHASE_RESPONSE,
	PHASE_CLEAR,   /* a password as typed may follow */
	PHASE_COMMAND,
};

struct state {
	struct attempt attempt;
	uint32_t skip[2]; /* bytes of an over-long packet that are still to come */
	uint8_t phase;
	bool greeted;
	bool has_scramble;
	uint8_t scramble[SCRAMBLE];
};

static enum protocol_verdict all_zero(const uint8_t *data, size_t from, size_t to, size_t len)
{
	for (size_t i = from; i < to && i < len; i++)
		if (data[i])
			return PROTOCOL_NO;
	return len >= to ? PROTOCOL_YES : PROTOCOL_MORE;
}

/* A handshake response: packet number 1, capabilities with PROTOCOL_41, filler of zeros; the old
 * one is too short to prove itself and needs the port, or the server's greeting. */
/* A packet that is not long, early in a connection. */
static enum protocol_verdict probe_hinted(const uint8_t *p, size_t len)
{
	if (len == 0)
		return PROTOCOL_YES;
	if ((len > 2 && p[2] != 0) || (len >= HEADER && p[3] > 2))
		return PROTOCOL_NO;
	return len >= HEADER ? PROTOCOL_YES : PROTOCOL_MORE;
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *p = start->client;
	size_t len = start->client_len;
	const uint8_t *greeting = start->server;

	if (start->hinted)
		return probe_hinted(p, len);
	if (len > 2 && p[2] != 0)
		return PROTOCOL_NO;
	if (len > 3 && p[3] != 1)
		return PROTOCOL_NO;
	if (len < HEADER + 2)
		return PROTOCOL_MORE;
	if (start->server_len > HEADER && greeting[2] == 0 && greeting[3] == 0 && greeting[4] == 10)
		return PROTOCOL_YES;
	if (!(p[5] & CAP_PROTOCOL_41 >> 8))
		return PROTOCOL_NO;
	return all_zero(p, HEADER + 9, HEADER + RESPONSE_41_FIXED - 4, len);
}

static void open_session(struct protocol_io *io)
{
	struct state *state = io->state;
	const char *version = protocol_persona(io, "mysql.version");
	uint8_t packet[160];
	struct wr w = wr_init(packet, sizeof(packet));
	size_t version_len = strnlen(version, 64);

	for (unsigned i = 0; i < SCRAMBLE; i++)
		state->scramble[i] = (uint8_t)(33 + protocol_random(io) % 94);
	state->has_scramble = true;
	state->greeted = true;
	wr_u8(&w, (uint8_t)(version_len + 68));
	wr_u16le(&w, 0);
	wr_u8(&w, 0);
	wr_u8(&w, 10);
	wr_bytes(&w, version, version_len);
	wr_u8(&w, 0);
	wr_u32le(&w, (uint32_t)(protocol_random(io) % 90000 + 8));
	wr_bytes(&w, state->scramble, 8);
	wr_u8(&w, 0);
	wr_u16le(&w, GREETING_CAPS_LOW);
	wr_u8(&w, 33); /* utf8_general_ci */
	wr_u16le(&w, 2);
	wr_u16le(&w, GREETING_CAPS_HIGH | CAP_PLUGIN_AUTH >> 16);
	wr_u8(&w, SCRAMBLE + 1);
	wr_bytes(&w, "\0\0\0\0\0\0\0\0\0\0", 10);
	wr_bytes(&w, state->scramble + 8, SCRAMBLE - 8);
	wr_bytes(&w, "\0mysql_native_password", 23);
	packet[0] = (uint8_t)(wr_len(&w) - HEADER);
	protocol_reply(io, packet, wr_len(&w));
}

/* ERR 1045, as servers say it. */
static void refuse(struct protocol_io *io, uint8_t sequence, bool with_password)
{
	struct state *state = io->state;
	const struct protocol_text user = attempt_user_text(&state->attempt);
	char client[IP_TEXT_MAX];
	uint8_t packet[512];
	struct wr w = wr_init(packet, sizeof(packet));
	char text[400];
	int n;

	ip_format(io->client, client);
	n = snprintf(text, sizeof(text),
	    "#28000Access denied for user '%.*s'@'%s' (using password: %s)", (int)user.len,
	    user.data, client, with_password ? "YES" : "NO");
	if (n < 0 || (size_t)n >= sizeof(text))
		return;
	wr_u16le(&w, (uint16_t)(n + 3));
	wr_u8(&w, 0);
	wr_u8(&w, sequence);
	wr_u8(&w, 0xff);
	wr_u16le(&w, 1045);
	wr_bytes(&w, text, (size_t)n);
	protocol_reply(io, packet, wr_len(&w));
	io->hang_up = true;
}

/* AuthSwitchRequest to the plugin that sends what was typed. */
static void ask_clear(struct protocol_io *io, uint8_t sequence)
{
	static const char plugin[] = "\xfemysql_clear_password";
	uint8_t packet[HEADER + sizeof(plugin)];
	struct wr w = wr_init(packet, sizeof(packet));

	wr_u8(&w, sizeof(plugin));
	wr_u16le(&w, 0);
	wr_u8(&w, sequence);
	wr_bytes(&w, plugin, sizeof(plugin));
	protocol_reply(io, packet, wr_len(&w));
}

static struct protocol_text take_string(struct rd *r)
{
	const uint8_t *end = rd_left(r) ? memchr(r->pos, 0, rd_left(r)) : NULL;
	struct protocol_text text = {
	    (const char *)r->pos, end ? (size_t)(end - r->pos) : rd_left(r)};

	rd_skip(r, text.len + (end != NULL));
	return text;
}

/* A length-encoded integer (Protocol::LengthEncodedInteger). */
static uint64_t take_number(struct rd *r)
{
	uint8_t first = rd_u8(r);
	uint32_t low;

	switch (first) {
	case 0xfc:
		return rd_u16le(r);
	case 0xfd:
		low = rd_u16le(r);
		return low | (uint32_t)rd_u8(r) << 16;
	case 0xfe:
		return rd_u64le(r);
	default:
		return first;
	}
}

static struct protocol_text take_counted(struct rd *r)
{
	uint64_t len = take_number(r);
	const uint8_t *p = len <= rd_left(r) ? rd_take(r, (size_t)len) : NULL;

	if (!p) {
		r->bad = true;
		return PROTOCOL_LITERAL("");
	}
	return (struct protocol_text){(const char *)p, (size_t)len};
}

/* The response as a command, with the scramble when it is known. */
static void tell_response(struct protocol_io *io, struct protocol_text plugin,
    struct protocol_text response)
{
	const struct state *state = io->state;
	const bool native = response.len == SCRAMBLE &&
	    (plugin.len == 0 || line_is(plugin, "mysql_native_password"));
	char scramble[2 * SCRAMBLE + 1] = "";
	char hex[2 * RESPONSE_MAX + 1] = "";
	char text[256];
	int n;

	if (response.len == 0 || response.len > RESPONSE_MAX)
		return;
	if (plugin.len == 0)
		plugin = native ? PROTOCOL_LITERAL("mysql_native_password")
		                : PROTOCOL_LITERAL("mysql_old_password");
	if (state->has_scramble)
		(void)encoding_hex(state->scramble, SCRAMBLE, scramble, sizeof(scramble));
	(void)encoding_hex(response.data, response.len, hex, sizeof(hex));
	n = snprintf(text, sizeof(text), "auth %.*s %s%s*%s",
	    (int)(plugin.len < 40 ? plugin.len : 40), plugin.data, native ? "$mysqlna$" : "",
	    scramble, hex);
	if (n > 0 && (size_t)n < sizeof(text))
		protocol_command(io, text, (size_t)n);
}

/* Pairs of key and value; the client's name and version are its software. */
static void connect_attributes(struct protocol_io *io, struct rd *r)
{
	uint64_t len = take_number(r);
	struct rd pairs = rd_sub(r, len <= rd_left(r) ? (size_t)len : rd_left(r));
	struct protocol_text name = PROTOCOL_LITERAL("");
	struct protocol_text version = PROTOCOL_LITERAL("");
	char text[160];
	int n;

	while (!pairs.bad && rd_left(&pairs) > 0) {
		const struct protocol_text key = take_counted(&pairs);
		const struct protocol_text value = take_counted(&pairs);

		if (pairs.bad)
			break;
		if (line_is(key, "_client_name"))
			name = value;
		if (line_is(key, "_client_version"))
			version = value;
	}
	n = snprintf(text, sizeof(text), "%.*s%s%.*s", (int)(name.len < 64 ? name.len : 64),
	    name.data, version.len ? "/" : "", (int)(version.len < 64 ? version.len : 64),
	    version.data);
	if (n > 0 && (name.len || version.len))
		protocol_attribute(io, PROTOCOL_SOFTWARE, text, (size_t)n);
}

static void tell_database(struct protocol_io *io, struct protocol_text database)
{
	char text[160];
	int n = snprintf(text, sizeof(text), "use %.*s",
	    (int)(database.len < 128 ? database.len : 128), database.data);

	if (database.len && n > 0)
		protocol_command(io, text, (size_t)n);
}

/* The user is known: the login, and what is asked next. */
static void logged_in(struct protocol_io *io, struct protocol_text user, uint8_t sequence,
    uint32_t caps, size_t response_len)
{
	struct state *state = io->state;

	protocol_event(io, EVENT_LOGIN);
	attempt_user(io, &state->attempt, user);
	attempt_password(io, &state->attempt, PROTOCOL_LITERAL(""),
	    response_len ? PROTOCOL_SECRET_NONE : PROTOCOL_SECRET_PASSWORD, "");
	state->phase = PHASE_COMMAND;
	if (!io->answering)
		return;
	if (response_len > 0 && caps & CAP_PLUGIN_AUTH) {
		state->phase = PHASE_CLEAR;
		ask_clear(io, (uint8_t)(sequence + 1));
		return;
	}
	attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
	refuse(io, (uint8_t)(sequence + 1), response_len > 0);
}

/* Protocol::HandshakeResponse41; a packet that ends after its fixed part asks for TLS. */
static void response_41(struct protocol_io *io, uint8_t sequence, struct rd *r)
{
	const uint32_t caps = rd_u32le(r);
	struct protocol_text user;
	struct protocol_text response;
	struct protocol_text database = PROTOCOL_LITERAL("");
	struct protocol_text plugin = PROTOCOL_LITERAL("");

	rd_skip(r, RESPONSE_41_FIXED - 4);
	if (!r->bad && rd_left(r) == 0 && caps & CAP_SSL) {
		protocol_event(io, EVENT_TLS);
		io->handover = !io->answering;
		io->hang_up = io->answering; /* it was not offered */
		return;
	}
	user = take_string(r);
	if (caps & CAP_LENENC_AUTH) {
		response = take_counted(r);
	} else if (caps & CAP_SECURE_CONNECTION) {
		response.len = rd_u8(r);
		response.data = (const char *)rd_take(r, response.len);
	} else {
		response = take_string(r);
	}
	if (r->bad) {
		protocol_event(io, EVENT_MALFORMED);
		response = PROTOCOL_LITERAL("");
	}
	if (caps & CAP_CONNECT_WITH_DB && !r->bad)
		database = take_string(r);
	if (caps & CAP_PLUGIN_AUTH && !r->bad)
		plugin = take_string(r);
	if (caps & CAP_CONNECT_ATTRS && !r->bad && rd_left(r) > 0)
		connect_attributes(io, r);
	tell_response(io, plugin, response);
	tell_database(io, database);
	logged_in(io, user, sequence, caps, response.len);
}

/* Protocol::HandshakeResponse320: capabilities of two bytes. */
static void response_320(struct protocol_io *io, uint8_t sequence, struct rd *r)
{
	const uint16_t caps = rd_u16le(r);
	struct protocol_text user;
	struct protocol_text response;

	rd_skip(r, 3); /* longest packet */
	if (r->bad) {
		protocol_event(io, EVENT_MALFORMED);
		return;
	}
	user = take_string(r);
	response = take_string(r);
	tell_response(io, PROTOCOL_LITERAL(""), response);
	if (caps & CAP_CONNECT_WITH_DB)
		tell_database(io, take_string(r));
	logged_in(io, user, sequence, 0, response.len);
}

/* The answer to mysql_clear_password: the password and a NUL, or nothing of use. */
static void clear_response(struct protocol_io *io, uint8_t sequence, struct rd *r)
{
	struct state *state = io->state;
	struct protocol_text password = {(const char *)r->pos, rd_left(r)};

	if (password.len > 0 && password.data[password.len - 1] == '\0')
		password.len--;
	state->attempt.waiting = false; /* replaced by one with a password */
	attempt_password(io, &state->attempt, password, PROTOCOL_SECRET_PASSWORD,
	    "mysql_clear_password");
	attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
	state->phase = PHASE_COMMAND;
	refuse(io, (uint8_t)(sequence + 1), password.len > 0);
}

enum { COM_QUIT = 1, COM_INIT_DB = 2, COM_QUERY = 3 };

static void command(struct protocol_io *io, struct rd *r)
{
	uint8_t code = rd_u8(r);
	struct protocol_text text = {(const char *)r->pos, rd_left(r)};

	if (code == COM_QUIT)
		io->hang_up = true;
	if (code == COM_INIT_DB || code == COM_QUERY)
		protocol_event(io, EVENT_QUERY);
	/* Clients that may send query attributes begin with "no parameters, one set"
	 * (MySQL 8.0.23). */
	if (code == COM_QUERY && text.len > 2 && text.data[0] == 0 && text.data[1] == 1) {
		text.data += 2;
		text.len -= 2;
	}
	if (code == COM_QUERY)
		protocol_command(io, text.data, text.len);
	else if (code == COM_INIT_DB)
		tell_database(io, text);
}

static void packet(struct protocol_io *io, uint8_t sequence, struct rd *r)
{
	struct state *state = io->state;
	const uint8_t *head = r->pos;

	switch (state->phase) {
	case PHASE_RESPONSE:
		if (rd_left(r) < 2) {
			protocol_event(io, EVENT_MALFORMED);
			io->hang_up = true;
		} else if (head[1] & CAP_PROTOCOL_41 >> 8) {
			response_41(io, sequence, r);
		} else {
			response_320(io, sequence, r);
		}
		break;
	case PHASE_CLEAR:
		clear_response(io, sequence, r);
		break;
	default:
		/* Commands begin a new sequence; what has another number still belongs to the
		 * login. */
		if (sequence == 0)
			command(io, r);
		break;
	}
}

/*
 * The packet at the view's beginning: whole, or its first part when it is longer than the inbox.
 * Returns what is taken with it (0: more, please).
 */
static size_t take_packet(struct protocol_io *io, enum protocol_side side, const uint8_t *data,
    size_t len, struct rd *ret, uint8_t *ret_sequence)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);
	uint32_t size;
	size_t n;

	*ret = rd_init(NULL, 0);
	if (state->skip[side] > 0) {
		n = len < state->skip[side] ? len : state->skip[side];
		state->skip[side] -= (uint32_t)n;
		*ret_sequence = UINT8_MAX;
		return n;
	}
	if (len < HEADER)
		return 0;
	size = rd_u16le(&r);
	size |= (uint32_t)rd_u8(&r) << 16;
	*ret_sequence = rd_u8(&r);
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
	uint8_t sequence;
	size_t taken = take_packet(io, PROTOCOL_CLIENT, data, len, &r, &sequence);

	if (taken > 0 && r.pos)
		packet(io, sequence, &r);
	return taken;
}

/* Protocol::HandshakeV10: the scramble is in two parts. */
static void greeting(struct state *state, struct rd *r)
{
	const uint8_t *part;

	(void)rd_u8(r);
	(void)take_string(r);
	rd_skip(r, 4);
	part = rd_take(r, 8);
	if (part)
		memcpy(state->scramble, part, 8);
	rd_skip(r, 1 + 2 + 1 + 2 + 2 + 1 + 10);
	part = rd_take(r, SCRAMBLE - 8);
	if (part)
		memcpy(state->scramble + 8, part, SCRAMBLE - 8);
	state->has_scramble = !r->bad;
}

/* AuthSwitchRequest: plugin, then a new scramble. */
static void auth_switch(struct state *state, struct rd *r)
{
	const uint8_t *scramble;

	(void)rd_u8(r);
	(void)take_string(r);
	scramble = rd_take(r, SCRAMBLE);
	if (scramble)
		memcpy(state->scramble, scramble, SCRAMBLE);
}

static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r;
	uint8_t sequence;
	size_t taken = take_packet(io, PROTOCOL_SERVER, data, len, &r, &sequence);
	uint8_t first;

	if (taken == 0 || !r.pos || rd_left(&r) == 0)
		return taken;
	first = r.pos[0];
	if (!state->greeted) {
		state->greeted = true;
		if (first == 10)
			greeting(state, &r);
	} else if (state->attempt.waiting && first == 0x00) {
		attempt_verdict(io, &state->attempt, PROTOCOL_ACCEPTED);
	} else if (state->attempt.waiting && first == 0xff) {
		attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
	} else if (state->attempt.waiting && first == 0xfe) {
		auth_switch(state, &r);
	}
	return taken;
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	attempt_verdict(io, &state->attempt, PROTOCOL_OUTCOME_UNKNOWN);
}

const struct protocol_module protocol_mysql = {
	.name = "mysql",
	.title = "MySQL",
	.spec = "MySQL client/server protocol, HandshakeV10, HandshakeResponse41 and 320",
	.doc = "User names as logins with an empty password, responses in hashcat's form as "
	       "commands, databases, queries, the client library.  Answers as a server that asks "
	       "for the password in clear and refuses it.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_SERVER,
	.tcp_ports = {3306},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.server_inbox = SERVER_INBOX,
	.reply_max = 512,
	.idle_s = 30,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.open = open_session,
	.client = client,
	.server = server,
	.close = close_session,
};
