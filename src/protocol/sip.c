/*
 * SIP: who registers, dials and scans; the digests they try.
 *
 * The same parser reads lines of a TCP stream and of a UDP datagram (one request each; bare LF is
 * accepted).  OPTIONS gets 200; REGISTER and INVITE are asked for a digest, a wrong one is refused,
 * the weak one of an extension whose password is its own number is accepted, so that the numbers
 * such visitors dial are shown.  Over UDP a reply leaves only if it is no longer than the request.
 * RFC 3261, RFC 2617, RFC 3581.
 */
#include "protocol/attempt.h"
#include "protocol/encoding.h"
#include "protocol/headers.h"
#include "protocol/line.h"
#include "protocol/persona.h"

#include <stdio.h>

enum {
	EVENT_REQUEST,
	EVENT_REGISTER,
	EVENT_INVITE,
	EVENT_OPTIONS,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_REQUEST] = {"request", "a request line, whatever its method"},
	[EVENT_REGISTER] = {"register", "REGISTER: an extension is tried or searched for"},
	[EVENT_INVITE] = {"invite", "INVITE: a number is dialled"},
	[EVENT_OPTIONS] = {"options", "OPTIONS: a scan for servers"},
	[EVENT_MALFORMED] = {"malformed", "bytes that are no message"},
};

#define INBOX 512
#define SERVER_INBOX 128
#define METHOD_MAX 16
#define HEAD_MAX 760   /* header lines that a reply repeats */
#define HASH_MAX 400   /* a waiting digest; longer ones are told at once */
#define REPLY_MAX 1400
#define LINES_MAX 128  /* of a datagram */
#define TAG_DIGITS 8

struct state {
	bool told_request;    /* in the first word: all that a datagram leaves behind, see rests() */
	bool waiting;         /* a login waits for its verdict */
	uint32_t body;        /* announced by the header being read */
	uint32_t skip;
	uint32_t server_body;
	uint32_t server_skip;
	bool in_head;
	bool is_response;     /* what the client sends answers our side's request: framed only */
	bool rest;            /* a line was longer than the inbox: its rest is to come */
	bool server_head;
	bool server_rest;
	bool lost;
	bool accepted;
	bool has_login;
	bool too_long;        /* what a reply must repeat did not fit */
	uint16_t user_len;
	uint16_t hash_len;
	uint16_t head_len;
	char method[METHOD_MAX]; /* with a NUL */
	char login[HASH_MAX];    /* user, then hash */
	char head[HEAD_MAX];     /* Via, From, To, Call-ID, CSeq as they came, CRLF after each */
};
_Static_assert(sizeof(struct state) + INBOX + SERVER_INBOX <= PROTOCOL_ROOM_MAX, "a room");

static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *data = start->client;
	size_t len = start->client_len;
	struct protocol_text method = {(const char *)data, 0};
	const uint8_t *end;
	struct headers_request request;
	struct protocol_text line = {"", 0};

	while (len > 0 && (*data == '\r' || *data == '\n')) { /* keep-alives, RFC 5626 3.5.1 */
		data++;
		len--;
	}
	if (len == 0)
		return PROTOCOL_MORE;
	if (probe_word(data, len, "SIP/2.0 ") != PROTOCOL_NO)
		return probe_word(data, len, "SIP/2.0 ");
	method.data = (const char *)data;
	while (method.len < len && method.len < METHOD_MAX && data[method.len] > ' ')
		method.len++;
	if (method.len > 0 && !headers_is_token(method))
		return PROTOCOL_NO;
	if (method.len == len)
		return PROTOCOL_MORE;
	if (data[method.len] != ' ')
		return PROTOCOL_NO;
	if (probe_word(data + method.len + 1, len - method.len - 1, "sip:") == PROTOCOL_YES
	    || probe_word(data + method.len + 1, len - method.len - 1, "sips:") == PROTOCOL_YES)
		return PROTOCOL_YES;
	end = memchr(data, '\n', len);
	if (!end)
		return PROTOCOL_MORE;
	line = (struct protocol_text){(const char *)data, (size_t)(end - data)};
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return headers_request(line, "SIP/", &request) && request.version.len ? PROTOCOL_YES
	                                                                     : PROTOCOL_NO;
}

/* ---- logins --------------------------------------------------------------------------------- */

static void settle(struct protocol_io *io, enum protocol_outcome outcome)
{
	struct state *state = io->state;

	if (state->waiting)
		protocol_login(io, (struct protocol_text){state->login, state->user_len},
		    (struct protocol_text){state->login + state->user_len, state->hash_len},
		    PROTOCOL_SECRET_HASH, "digest", outcome);
	state->waiting = false;
}

static void hash_of(char out[ENCODING_MD5_TEXT], const struct protocol_text *parts, size_t count)
{
	char text[PROTOCOL_TEXT_MAX];
	struct wr w = wr_init(text, sizeof(text));

	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			wr_u8(&w, ':');
		wr_bytes(&w, parts[i].data, parts[i].len);
	}
	encoding_md5_hex(text, wr_len(&w), out);
}

/* Is it the digest of a password that equals the user name?  RFC 2617 3.2.2. */
static bool is_own_name(const struct headers_digest *digest, struct protocol_text method)
{
	char ha1[ENCODING_MD5_TEXT];
	char ha2[ENCODING_MD5_TEXT];
	char response[ENCODING_MD5_TEXT];
	const struct protocol_text one = {ha1, ENCODING_MD5_TEXT - 1};
	const struct protocol_text two = {ha2, ENCODING_MD5_TEXT - 1};

	hash_of(ha1, (struct protocol_text[]){digest->user, digest->realm, digest->user}, 3);
	hash_of(ha2, (struct protocol_text[]){method, digest->uri}, 2);
	if (digest->qop.len > 0)
		hash_of(response,
		    (struct protocol_text[]){
		        one, digest->nonce, digest->nc, digest->cnonce, digest->qop, two},
		    6);
	else
		hash_of(response, (struct protocol_text[]){one, digest->nonce, two}, 3);
	return line_is(digest->response, response);
}

static void authorization(struct protocol_io *io, struct protocol_text value)
{
	struct state *state = io->state;
	const struct protocol_text method = {state->method, strlen(state->method)};
	char text[PROTOCOL_TEXT_MAX];
	struct headers_digest digest;
	struct protocol_text rest;
	size_t len;

	if (!headers_scheme(value, "Digest", &rest) || !headers_digest(rest, &digest))
		return;
	settle(io, PROTOCOL_OUTCOME_UNKNOWN);
	len = headers_digest_hash(io, &digest, method, text);
	state->has_login = true;
	state->accepted = io->answering && is_own_name(&digest, method);
	if (digest.user.len + len > HASH_MAX) {
		protocol_login(io, digest.user, (struct protocol_text){text, len},
		    PROTOCOL_SECRET_HASH, "digest",
		    !io->answering    ? PROTOCOL_OUTCOME_UNKNOWN
		    : state->accepted ? PROTOCOL_ACCEPTED
		                      : PROTOCOL_REFUSED);
		return;
	}
	if (digest.user.len)
		memcpy(state->login, digest.user.data, digest.user.len);
	memcpy(state->login + digest.user.len, text, len);
	state->user_len = (uint16_t)digest.user.len;
	state->hash_len = (uint16_t)len;
	state->waiting = true;
}

/* ---- requests ------------------------------------------------------------------------------- */

/* "INVITE 00442071234567": the user part of the URI is what is dialled. */
static void dialled(struct protocol_io *io, struct protocol_text uri)
{
	const char *colon = uri.len ? memchr(uri.data, ':', uri.len) : NULL;
	const char *at = uri.len ? memchr(uri.data, '@', uri.len) : NULL;
	char text[PROTOCOL_TEXT_MAX] = "INVITE ";
	size_t n;

	if (!colon || !at || at < colon)
		return;
	n = (size_t)(at - colon) - 1;
	memcpy(text + 7, colon + 1, n);
	protocol_command(io, text, n + 7);
}

static bool request_line(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	struct headers_request request;
	struct protocol_text whole = line_trim(line);
	size_t n;

	if (!headers_request(line, "SIP/", &request) || request.target.len == 0
	    || request.version.len == 0)
		return false;
	whole.len = (size_t)(request.target.data + request.target.len - whole.data);
	protocol_event(io, EVENT_REQUEST);
	if (line_is(request.method, "REGISTER"))
		protocol_event(io, EVENT_REGISTER);
	else if (line_is(request.method, "OPTIONS"))
		protocol_event(io, EVENT_OPTIONS);
	else if (line_is(request.method, "INVITE"))
		protocol_event(io, EVENT_INVITE);
	if (!state->told_request)
		protocol_attribute(io, PROTOCOL_REQUEST, whole.data, whole.len);
	state->told_request = true;
	protocol_command(io, whole.data, whole.len);
	if (line_is(request.method, "INVITE"))
		dialled(io, request.target);
	n = request.method.len < METHOD_MAX - 1 ? request.method.len : METHOD_MAX - 1;
	memcpy(state->method, request.method.data, n);
	state->method[n] = '\0';
	state->is_response = false;
	return true;
}

static bool first_line(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;

	if (headers_status(line, "SIP/") > 0)
		state->is_response = true;
	else if (!request_line(io, line))
		return false;
	state->body = 0;
	state->head_len = 0;
	state->has_login = false;
	state->accepted = false;
	state->too_long = false;
	state->in_head = true;
	state->lost = false;
	return true;
}

/* The full name of a field, or its short form (RFC 3261 7.3.3). */
static bool is_field(struct protocol_text name, const char *full, char compact)
{
	return line_is(name, full) || (name.len == 1 && (*name.data | 0x20) == compact);
}

static void keep(struct state *state, const char *name, struct protocol_text value, bool is_to)
{
	char line[INBOX + 32];
	int n;

	if (!is_to || headers_contains(value, ";tag="))
		n = snprintf(line, sizeof(line), "%s: %.*s\r\n", name, (int)value.len, value.data);
	else
		n = snprintf(line, sizeof(line), "%s: %.*s;tag=as%%\r\n", name, (int)value.len,
		    value.data);
	if (n <= 0 || (size_t)n >= sizeof(line) || state->head_len + (size_t)n > HEAD_MAX) {
		state->too_long = true;
		return;
	}
	memcpy(state->head + state->head_len, line, (size_t)n);
	state->head_len = (uint16_t)(state->head_len + n);
}

static void keep_for_reply(struct state *state, struct protocol_text name,
    struct protocol_text value)
{
	if (is_field(name, "Via", 'v'))
		keep(state, "Via", value, false);
	else if (is_field(name, "From", 'f'))
		keep(state, "From", value, false);
	else if (is_field(name, "To", 't'))
		keep(state, "To", value, true);
	else if (is_field(name, "Call-ID", 'i'))
		keep(state, "Call-ID", value, false);
	else if (line_is(name, "CSeq"))
		keep(state, "CSeq", value, false);
}

static void field(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	struct protocol_text name;
	struct protocol_text value;

	if (!headers_field(line, &name, &value))
		return;
	if (is_field(name, "Content-Length", 'l')) {
		const uint64_t length = headers_number(value);

		state->body = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
	}
	if (state->is_response)
		return;
	if (line_is(name, "User-Agent"))
		protocol_attribute(io, PROTOCOL_SOFTWARE, value.data, value.len);
	else if (line_is(name, "Authorization") || line_is(name, "Proxy-Authorization"))
		authorization(io, value);
	if (io->answering)
		keep_for_reply(state, name, value);
}
/* ---- replies -------------------------------------------------------------------------------- */

struct reply {
	const char *status;
	bool challenge;
	bool allow;
};

static struct reply choose(const struct state *state)
{
	const struct protocol_text method = {state->method, strlen(state->method)};

	if (line_is(method, "OPTIONS"))
		return (struct reply){"200 OK", false, true};
	if (line_is(method, "BYE") || line_is(method, "CANCEL"))
		return (struct reply){"481 Call/Transaction Does Not Exist", false, false};
	if (!state->has_login)
		return (struct reply){"401 Unauthorized", true, false};
	if (!state->accepted)
		return (struct reply){"403 Forbidden", false, false};
	if (line_is(method, "INVITE"))
		return (struct reply){"486 Busy Here", false, false};
	return (struct reply){"200 OK", false, false};
}

/* The head as it was kept, with the tag of our side where keep() left its place. */
static void put_head(struct wr *w, const struct state *state, uint64_t tag)
{
	char digits[TAG_DIGITS + 1];

	(void)snprintf(digits, sizeof(digits), "%08llx", (unsigned long long)(tag & 0xffffffff));
	for (size_t i = 0; i < state->head_len; i++) {
		if (state->head[i] == '%' && i + 2 < state->head_len && state->head[i + 1] == '\r')
			wr_bytes(w, digits, TAG_DIGITS);
		else
			wr_u8(w, (uint8_t)state->head[i]);
	}
}

static void answer(struct protocol_io *io)
{
	struct state *state = io->state;
	static const char allow[] =
	    "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, "
	    "INFO\r\nAccept: application/sdp\r\n";
	const struct reply reply = choose(state);
	const char *server;
	uint64_t tag;
	char buffer[REPLY_MAX];
	char line[256];
	struct wr w = wr_init(buffer, sizeof(buffer));

	if (!io->answering)
		return;
	server = protocol_persona(io, "sip.server");
	tag = protocol_random(io);
	settle(io, state->accepted ? PROTOCOL_ACCEPTED : PROTOCOL_REFUSED);
	if (strcmp(state->method, "ACK") == 0 || state->too_long)
		return;
	wr_bytes(&w, "SIP/2.0 ", 8);
	wr_bytes(&w, reply.status, strlen(reply.status));
	wr_bytes(&w, "\r\n", 2);
	put_head(&w, state, tag);
	if (reply.challenge) {
		(void)snprintf(line, sizeof(line),
		    "WWW-Authenticate: Digest algorithm=MD5, realm=\"%s\", "
		    "nonce=\"%08llx\"\r\n",
		    protocol_persona(io, "sip.realm"),
		    (unsigned long long)(protocol_random(io) & 0xffffffff));
		wr_bytes(&w, line, strlen(line));
	}
	/* What may be left out is, when a datagram must not grow. */
	if (io->transport == PROTOCOL_TCP) {
		if (*server) {
			(void)snprintf(line, sizeof(line), "Server: %s\r\n", server);
			wr_bytes(&w, line, strlen(line));
		}
		if (reply.allow)
			wr_bytes(&w, allow, sizeof(allow) - 1);
	}
	wr_bytes(&w, "Content-Length: 0\r\n\r\n", 21);
	if (!w.bad)
		protocol_reply(io, buffer, wr_len(&w));
}

/* ---- bytes ---------------------------------------------------------------------------------- */

/* True when the line ended a message's head. */
static bool client_line(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;

	if (state->in_head && line.len > 0) {
		field(io, line);
		return false;
	}
	if (state->in_head) {
		state->in_head = false;
		state->skip = state->body;
		if (!state->is_response)
			answer(io);
		return true;
	}
	if (line.len > 0 && !first_line(io, line) && !state->lost) {
		state->lost = true;
		protocol_event(io, EVENT_MALFORMED);
		if (io->transport == PROTOCOL_TCP)
			io->hang_up = true;
	}
	return false;
}

/* A datagram holds one message; its head may lack the empty line. */
static size_t datagram(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t at = 0;

	state->in_head = false;
	state->lost = false;
	for (unsigned i = 0; i < LINES_MAX && at < len; i++) {
		struct protocol_text line = {"", 0};

		at += line_take(io, data + at, len - at, &line);
		if (client_line(io, line))
			break;
	}
	if (state->in_head)
		(void)client_line(io, (struct protocol_text){"", 0});
	return len;
}

/* The next datagram begins with a first line, which resets what the others go by. */
static bool rests(const void *state)
{
	return !((const struct state *)state)->waiting;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line = {"", 0};
	size_t taken;

	if (io->transport == PROTOCOL_UDP)
		return datagram(io, data, len);
	if (state->skip > 0) {
		taken = len < state->skip ? len : state->skip;
		state->skip -= (uint32_t)taken;
		return taken;
	}
	taken = line_take(io, data, len, &line);
	if (taken == 0)
		return 0;
	if (!state->rest)
		(void)client_line(io, line);
	state->rest = data[taken - 1] != '\n';
	return taken;
}

static void server_line(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	const unsigned status = headers_status(line, "SIP/");
	struct protocol_text name;
	struct protocol_text value;

	if (!state->server_head && status == 0) {
		struct headers_request request;

		/* The other side's requests (NOTIFY, a call to the registered phone) count too. */
		if (headers_request(line, "SIP/", &request) && request.version.len > 0) {
			protocol_event(io, EVENT_REQUEST);
			state->server_head = true;
			state->server_body = 0;
		}
	} else if (!state->server_head) {
		state->server_head = true;
		state->server_body = 0;
		if (status >= 200)
			settle(io, status == 401 || status == 403 || status == 407
			               ? PROTOCOL_REFUSED
			           : status < 300 ? PROTOCOL_ACCEPTED
			                          : PROTOCOL_OUTCOME_UNKNOWN);
	} else if (state->server_head && line.len == 0) {
		state->server_head = false;
		state->server_skip = state->server_body;
	} else if (state->server_head && headers_field(line, &name, &value)
	    && is_field(name, "Content-Length", 'l')) {
		const uint64_t length = headers_number(value);

		state->server_body = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
	}
}

static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line = {"", 0};
	size_t taken;

	if (io->transport == PROTOCOL_UDP) {
		(void)line_take(io, data, len, &line);
		state->server_head = false;
		server_line(io, line);
		return len;
	}
	if (state->server_skip > 0) {
		taken = len < state->server_skip ? len : state->server_skip;
		state->server_skip -= (uint32_t)taken;
		return taken;
	}
	taken = line_take(io, data, len, &line);
	if (taken == 0)
		return 0;
	if (!state->server_rest)
		server_line(io, line);
	state->server_rest = data[taken - 1] != '\n';
	return taken;
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct state *state = io->state;
	uint32_t *skip = side == PROTOCOL_CLIENT ? &state->skip : &state->server_skip;

	if (bytes > 0 && bytes < *skip) {
		*skip -= (uint32_t)bytes;
		return;
	}
	*skip = 0;
	if (side == PROTOCOL_CLIENT) {
		state->in_head = false;
		state->rest = true; /* the next whole line counts again */
		state->lost = true;
	} else {
		state->server_head = false;
		state->server_rest = true;
	}
}

static void close_session(struct protocol_io *io)
{
	settle(io, PROTOCOL_OUTCOME_UNKNOWN);
}

const struct protocol_module protocol_sip = {
	.name = "sip",
	.title = "SIP",
	.spec = "RFC 3261, RFC 2617",
	.doc = "Requests, user agents, digests as crackers read them, numbers that are "
	       "dialled.  Answers as a registrar; over UDP only when the reply is no "
	       "longer than the request.",
	.transports = PROTOCOL_TCP | PROTOCOL_UDP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {5060, 5061, 5080, 5062},
	.udp_ports = {5060, 5061, 5080, 5062, 5160},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.server_inbox = SERVER_INBOX,
	.reply_max = REPLY_MAX,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {{{0x80, 0x80}, {0}}}, /* text */
	.client = client,
	.server = server,
	.gap = gap,
	.close = close_session,
	.rests = rests,
};
