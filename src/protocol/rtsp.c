/*
 * RTSP: which streams of a camera are asked for, and with which passwords.
 *
 * OPTIONS is answered, DESCRIBE and what follows ask for a password by Digest and Basic, so that a
 * dictionary is shown; the persona's camera accepts one.  Interleaved binary frames ($) are passed
 * over.  RFC 2326, RFC 7826, RFC 2617.
 */
#include "base/rd.h"
#include "protocol/attempt.h"
#include "protocol/headers.h"
#include "protocol/line.h"
#include "protocol/persona.h"

enum {
	EVENT_REQUEST,
	EVENT_DESCRIBE,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_REQUEST] = {"request", "a request line, whatever its method"},
	[EVENT_DESCRIBE] = {"describe", "DESCRIBE: asks for a stream"},
	[EVENT_MALFORMED] = {"malformed", "bytes that are no request"},
};

#define INBOX 768
#define SERVER_INBOX 128
#define METHOD_MAX 16
#define CSEQ_MAX 12
#define FRAME_HEADER 4

struct state {
	uint32_t skip;          /* bytes of a body or frame that are to come */
	uint32_t server_skip;
	uint32_t body;          /* announced by the header being read */
	uint32_t server_body;
	bool in_head;
	bool rest;              /* a line was longer than the inbox: its rest is to come */
	bool server_head;
	bool server_rest;
	bool lost;
	bool has_login;
	bool accepted;
	bool told_request;
	char method[METHOD_MAX]; /* with a NUL */
	char cseq[CSEQ_MAX];     /* digits, with a NUL */
	struct attempt attempt;
};

static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *data = start->client;
	const size_t len = start->client_len;
	const uint8_t *end = len ? memchr(data, '\n', len) : NULL;
	struct protocol_text method = {(const char *)data, 0};
	struct headers_request request;
	struct protocol_text line;

	while (method.len < len && method.len < METHOD_MAX && data[method.len] > ' ')
		method.len++;
	if (method.len > 0 && !headers_is_token(method))
		return PROTOCOL_NO;
	if (method.len == len)
		return PROTOCOL_MORE;
	if (data[method.len] != ' ')
		return PROTOCOL_NO;
	if (probe_word(data + method.len + 1, len - method.len - 1, "rtsp:") == PROTOCOL_YES)
		return PROTOCOL_YES;
	if (!end)
		return PROTOCOL_MORE;
	line = (struct protocol_text){(const char *)data, (size_t)(end - data)};
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return headers_request(line, "RTSP/", &request) && request.version.len ? PROTOCOL_YES
	                                                                      : PROTOCOL_NO;
}

/* ---- facts ---------------------------------------------------------------------------------- */

static bool request_line(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	struct headers_request request;
	struct protocol_text whole = line_trim(line);
	size_t n;

	if (!headers_request(line, "RTSP/", &request) || request.target.len == 0
	    || request.version.len == 0)
		return false;
	protocol_event(io, EVENT_REQUEST);
	if (line_is(request.method, "DESCRIBE"))
		protocol_event(io, EVENT_DESCRIBE);
	whole.len = (size_t)(request.target.data + request.target.len - whole.data);
	if (!state->told_request)
		protocol_attribute(io, PROTOCOL_REQUEST, whole.data, whole.len);
	state->told_request = true;
	protocol_command(io, whole.data, whole.len);
	n = request.method.len < METHOD_MAX - 1 ? request.method.len : METHOD_MAX - 1;
	memcpy(state->method, request.method.data, n);
	state->method[n] = '\0';
	state->cseq[0] = '\0';
	state->body = 0;
	state->has_login = false;
	state->accepted = false;
	state->in_head = true;
	state->lost = false;
	return true;
}

static bool is_accepted(const struct protocol_io *io, struct protocol_text user,
    struct protocol_text password)
{
	const char *login = protocol_persona(io, "rtsp.accept");

	return strlen(login) == user.len + 1 + password.len
	    && strncmp(login, user.data, user.len) == 0 && login[user.len] == ':'
	    && strncmp(login + user.len + 1, password.data, password.len) == 0;
}

static void authorization(struct protocol_io *io, struct protocol_text value)
{
	struct state *state = io->state;
	const struct protocol_text method = {state->method, strlen(state->method)};
	uint8_t buffer[HEADERS_BASIC_MAX];
	char hash[PROTOCOL_TEXT_MAX];
	struct headers_digest digest;
	struct protocol_text rest;
	struct protocol_text user;
	struct protocol_text password;

	if (headers_scheme(value, "Basic", &rest)) {
		headers_basic(rest, buffer, &user, &password);
		state->accepted = io->answering && is_accepted(io, user, password);
		attempt_user(io, &state->attempt, user);
		attempt_password(io, &state->attempt, password, PROTOCOL_SECRET_PASSWORD, "basic");
	} else if (headers_scheme(value, "Digest", &rest) && headers_digest(rest, &digest)) {
		password.data = hash;
		password.len = headers_digest_hash(io, &digest, method, hash);
		attempt_user(io, &state->attempt, digest.user);
		attempt_password(io, &state->attempt, password, PROTOCOL_SECRET_HASH, "digest");
	} else {
		return;
	}
	state->has_login = true;
}

static void field(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	struct protocol_text name;
	struct protocol_text value;

	if (!headers_field(line, &name, &value))
		return;
	if (line_is(name, "CSeq") && value.len < CSEQ_MAX) {
		size_t n = 0;

		while (n < value.len && value.data[n] >= '0' && value.data[n] <= '9')
			n++;
		memcpy(state->cseq, value.data, n);
		state->cseq[n] = '\0';
	} else if (line_is(name, "Content-Length")) {
		const uint64_t length = headers_number(value);

		state->body = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
	} else if (line_is(name, "User-Agent")) {
		protocol_attribute(io, PROTOCOL_SOFTWARE, value.data, value.len);
	} else if (line_is(name, "Authorization")) {
		authorization(io, value);
	}
}

/* ---- replies -------------------------------------------------------------------------------- */

static void ask_password(struct protocol_io *io)
{
	const struct state *state = io->state;
	const char *realm = protocol_persona(io, "rtsp.realm");
	/* One after the other: the order of arguments is the compiler's choice. */
	const uint64_t first = protocol_random(io);
	const uint64_t second = protocol_random(io);

	protocol_replyf(io, "RTSP/1.0 401 Unauthorized\r\nCSeq: %s\r\n"
	    "WWW-Authenticate: Digest realm=\"%s\", nonce=\"%016llx%016llx\", stale=\"FALSE\"\r\n"
	    "WWW-Authenticate: Basic realm=\"%s\"\r\n\r\n",
	    state->cseq, realm, (unsigned long long)first, (unsigned long long)second, realm);
}

static void answer(struct protocol_io *io)
{
	struct state *state = io->state;
	const struct protocol_text method = {state->method, strlen(state->method)};
	const char *server = protocol_persona(io, "rtsp.server");

	if (!io->answering)
		return;
	attempt_verdict(
	    io, &state->attempt, state->accepted ? PROTOCOL_ACCEPTED : PROTOCOL_REFUSED);
	if (line_is(method, "OPTIONS")) {
		protocol_replyf(io,
		    "RTSP/1.0 200 OK\r\nCSeq: %s\r\n%s%s%sPublic: OPTIONS, DESCRIBE, SETUP, "
		    "TEARDOWN, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER\r\n\r\n",
		    state->cseq, *server ? "Server: " : "", server, *server ? "\r\n" : "");
	} else if (line_is(method, "TEARDOWN")) {
		protocol_replyf(io, "RTSP/1.0 200 OK\r\nCSeq: %s\r\n\r\n", state->cseq);
		io->hang_up = true;
	} else if (!state->accepted) {
		ask_password(io);
	} else if (line_is(method, "DESCRIBE")) {
		const char *sdp = protocol_persona(io, "rtsp.sdp");

		protocol_replyf(io,
		    "RTSP/1.0 200 OK\r\nCSeq: %s\r\nContent-Type: application/sdp\r\n"
		    "Content-Length: %zu\r\n\r\n%s",
		    state->cseq, strlen(sdp), sdp);
	} else {
		protocol_replyf(
		    io, "RTSP/1.0 461 Unsupported Transport\r\nCSeq: %s\r\n\r\n", state->cseq);
	}
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static void client_line(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;

	if (state->in_head && line.len > 0) {
		field(io, line);
	} else if (state->in_head) {
		state->in_head = false;
		state->skip = state->body;
		answer(io);
	} else if (line.len > 0 && !request_line(io, line) && !state->lost) {
		state->lost = true;
		protocol_event(io, EVENT_MALFORMED);
		protocol_replyf(io, "RTSP/1.0 400 Bad Request\r\n\r\n");
		io->hang_up = true;
	}
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line;
	size_t taken;

	if (state->skip > 0) {
		taken = len < state->skip ? len : state->skip;
		state->skip -= (uint32_t)taken;
		return taken;
	}
	if (!state->in_head && !state->rest && data[0] == '$') {
		if (len < FRAME_HEADER)
			return 0;
		state->skip = rd_at_u16be(data + 2);
		return FRAME_HEADER;
	}
	taken = line_take(io, data, len, &line);
	if (taken == 0)
		return 0;
	if (!state->rest)
		client_line(io, line);
	state->rest = data[taken - 1] != '\n';
	return taken;
}

static void server_line(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	const unsigned status = headers_status(line, "RTSP/");
	struct protocol_text name;
	struct protocol_text value;

	if (!state->server_head && status > 0) {
		state->server_head = true;
		state->server_body = 0;
		attempt_verdict(io, &state->attempt,
		    status == 401 || status == 403 ? PROTOCOL_REFUSED
		    : status == 200                ? PROTOCOL_ACCEPTED
		                                   : PROTOCOL_OUTCOME_UNKNOWN);
	} else if (state->server_head && line.len == 0) {
		state->server_head = false;
		state->server_skip = state->server_body;
	} else if (state->server_head && headers_field(line, &name, &value)
	    && line_is(name, "Content-Length")) {
		const uint64_t length = headers_number(value);

		state->server_body = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
	}
}

static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line;
	size_t taken;

	if (state->server_skip > 0) {
		taken = len < state->server_skip ? len : state->server_skip;
		state->server_skip -= (uint32_t)taken;
		return taken;
	}
	if (!state->server_head && !state->server_rest && data[0] == '$') {
		if (len < FRAME_HEADER)
			return 0;
		state->server_skip = rd_at_u16be(data + 2);
		return FRAME_HEADER;
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
	struct state *state = io->state;

	attempt_verdict(io, &state->attempt, PROTOCOL_OUTCOME_UNKNOWN);
}

const struct protocol_module protocol_rtsp = {
	.name = "rtsp",
	.title = "RTSP",
	.spec = "RFC 2326, RFC 7826",
	.doc = "Requests with their stream's path, logins by Basic and Digest.  Answers as "
	       "a camera that asks for a password.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {554, 8554, 10554, 5554},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.server_inbox = SERVER_INBOX,
	.reply_max = 1536,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.server = server,
	.gap = gap,
	.close = close_session,
};
