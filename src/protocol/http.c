/*
 * HTTP/1.x and 0.9: requests, logins, exploit attempts and bodies; routers, cameras, web servers
 * and management interfaces are answered.
 *
 * This file frames both sides (lines, bodies by length or in chunks) and holds the module; the
 * parts are in http_state.h.  Client lines end with LF alone as well.  A server's response is read
 * as far as its framing, its status and NTLM's challenge.  After CONNECT what follows is identified
 * anew.  After a gap or garbage the next request line is looked for.  What is asked never leaves
 * this machine: a proxy request is told, not made.  RFC 9112, RFC 9110, RFC 1945 (0.9), RFC 9113
 * (the preface only).
 */
#include "base/digit.h"
#include "protocol/headers.h"
#include "protocol/http_state.h"
#include "protocol/line.h"

#define PREFIX_BLANKS 4 /* CR and LF before a request, RFC 9112 2.2 */
#define METHOD_MAX 24
#define CHUNK_DIGITS 8

static const struct protocol_event_name events[] = {
	[HTTP_EVENT_REQUEST] = {"request", "a request line, whatever its method and version"},
	[HTTP_EVENT_SIMPLE] = {"request.simple", "a request without a version (HTTP/0.9)"},
	[HTTP_EVENT_H2] = {"request.h2", "the preface of HTTP/2 without TLS"},
	[HTTP_EVENT_CONNECT] = {"proxy.connect", "CONNECT: asks for a tunnel"},
	[HTTP_EVENT_PROXY] = {"proxy.request", "asks for another host's URL"},
	[HTTP_EVENT_MALFORMED] = {"malformed", "bytes that are no request"},
#define X(constant, event, doc) [HTTP_EVENT_EXPLOIT + HTTP_EXPLOIT_##constant] = {event, doc},
	HTTP_EXPLOITS(X)
#undef X
};
_Static_assert(sizeof(struct http_state) + HTTP_CLIENT_INBOX + HTTP_SERVER_INBOX
    <= PROTOCOL_ROOM_MAX, "a room holds it all");

/* ---- identification ------------------------------------------------------------------------- */

/* Methods that no other protocol with such lines has. */
static bool is_own_method(struct protocol_text method)
{
	static const char *const own[] = {"GET", "POST", "HEAD", "PUT", "DELETE", "CONNECT",
	    "PATCH", "TRACE", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK",
	    NULL};

	for (size_t i = 0; own[i]; i++)
		if (line_is(method, own[i]))
			return true;
	return false;
}

/* A whole first line. */
static enum protocol_verdict probe_line(struct protocol_text line)
{
	struct headers_request request;

	if (!headers_request(line, "HTTP/", &request) || request.target.len == 0)
		return PROTOCOL_NO;
	if (request.version.len > 0)
		return PROTOCOL_YES;
	return line_is(request.method, "GET") && request.target.data[0] == '/' ? PROTOCOL_YES
	                                                                      : PROTOCOL_NO;
}

static enum protocol_verdict probe_request(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	const uint8_t *end = len ? memchr(data, '\n', len) : NULL;
	struct protocol_text method = {text, 0};
	enum protocol_verdict verdict;

	while (method.len < len && method.len <= METHOD_MAX && text[method.len] > ' ')
		method.len++;
	if (method.len > METHOD_MAX || (method.len > 0 && !headers_is_token(method)))
		return PROTOCOL_NO;
	if (method.len == len)
		return PROTOCOL_MORE;
	if (text[method.len] != ' ' || method.len == 0)
		return PROTOCOL_NO;
	/* A path or address after a method that only HTTP has is enough; the line's end may come
	 * later, and nothing in it takes this back. */
	if (len > method.len + 1 && is_own_method(method)
	    && (text[method.len + 1] == '/' || line_is(method, "CONNECT")
	        || probe_word(data + method.len + 1, len - method.len - 1, "http") == PROTOCOL_YES))
		return PROTOCOL_YES;
	if (end) {
		size_t line_len = (size_t)(end - data);

		if (line_len > 0 && text[line_len - 1] == '\r')
			line_len--;
		verdict = probe_line((struct protocol_text){text, line_len});
		return verdict;
	}
	return PROTOCOL_MORE;
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *data = start->client;
	size_t len = start->client_len;
	enum protocol_verdict verdict;

	for (unsigned i = 0; i < PREFIX_BLANKS && len > 0 && (*data == '\r' || *data == '\n');
	     i++) {
		data++;
		len--;
	}
	verdict = len == 0 ? PROTOCOL_MORE : probe_request(data, len);
	if (verdict == PROTOCOL_YES || !start->hinted || start->client_len == 0)
		return verdict;
	/* On a port of ours text is a request gone wrong; binary is something else.  The first byte
	 * decides, so that it is the same however the bytes come. */
	return (*start->client >= 0x20 && *start->client < 0x7f) || data != start->client
	    ? PROTOCOL_YES : PROTOCOL_NO;
}

/* ---- requests ------------------------------------------------------------------------------- */

static bool is_cut(const uint8_t *data, size_t taken)
{
	return data[taken - 1] != '\n';
}

static void tell_exploits(struct protocol_io *io)
{
	struct http_state *state = io->state;

	for (unsigned i = 0; i < HTTP_EXPLOIT_COUNT; i++)
		if (state->exploit.found & (uint64_t)1 << i)
			protocol_event(io, HTTP_EVENT_EXPLOIT + i);
	state->exploit.found = 0;
}

/* The request is whole: exploits and, when answering, the reply and the login's outcome. */
static void request_end(struct protocol_io *io)
{
	struct http_state *state = io->state;
	/* Those before the probes, which want a file and get what any request gets. */
	const bool is_exploit =
	    (state->exploit.found & (((uint64_t)1 << HTTP_EXPLOIT_PROBE_ENV) - 1)) != 0;

	tell_exploits(io);
	state->client.phase = HTTP_LINE;
	http_answer(io, is_exploit);
	if (strcmp(state->method, "CONNECT") == 0 && io->answering)
		io->handover = true;
	else if (strcmp(state->method, "CONNECT") == 0)
		state->client.phase = HTTP_TUNNEL;
	else if (state->close)
		io->hang_up = true;
}

static void head_end(struct protocol_io *io)
{
	struct http_state *state = io->state;

	if (strcmp(state->method, "CONNECT") == 0) {
		request_end(io);
		return;
	}
	if (state->client.chunked)
		state->client.phase = HTTP_CHUNK_SIZE;
	else if (state->client.left > 0)
		state->client.phase = HTTP_BODY;
	else
		request_end(io);
	if (state->expects && state->client.phase != HTTP_LINE)
		protocol_reply_text(io, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void not_a_request(struct protocol_io *io)
{
	struct http_state *state = io->state;

	if (state->client.phase != HTTP_LOST)
		protocol_event(io, HTTP_EVENT_MALFORMED);
	state->client.phase = HTTP_LOST;
	if (io->answering) {
		http_answer_malformed(io);
		state->client.phase = HTTP_IGNORE;
		io->hang_up = true;
	}
}

static void request_line(struct protocol_io *io, struct protocol_text line, bool cut)
{
	struct http_state *state = io->state;

	if (line.len == 0)
		return;
	if (state->client.phase == HTTP_LOST) {
		struct headers_request request;

		/* In the middle of something only a line with a version is believed. */
		if (!headers_request(line, "HTTP/", &request) || request.version.len == 0)
			return;
	}
	if (!http_head_line(io, line, cut)) {
		not_a_request(io);
		return;
	}
	if (state->simple)
		request_end(io);
}

/* The number of a chunk's size line; UINT64_MAX when it is none. */
static uint64_t chunk_size(struct protocol_text line)
{
	uint64_t size = 0;
	size_t digits = 0;

	for (; digits < line.len; digits++) {
		const int digit = digit_hex(line.data[digits]);

		if (digit < 0)
			break;
		size = size << 4 | (unsigned)digit;
		if (digits >= CHUNK_DIGITS)
			return UINT64_MAX;
	}
	return digits == 0 ? UINT64_MAX : size;
}

/* A line of the framing: sizes and trailers of a chunked body.  True when the message is over. */
static bool chunk_line(struct http_framing *framing, struct protocol_text line)
{
	switch ((enum http_phase)framing->phase) {
	case HTTP_CHUNK_SIZE:
		framing->left = chunk_size(line);
		framing->phase = framing->left == UINT64_MAX ? HTTP_LOST
		               : framing->left == 0 ? HTTP_TRAILER : HTTP_CHUNK_DATA;
		return false;
	case HTTP_CHUNK_END:
		framing->phase = HTTP_CHUNK_SIZE;
		return false;
	case HTTP_TRAILER:
		return line.len == 0;
	case HTTP_LINE:
	case HTTP_LINE_REST:
	case HTTP_HEAD:
	case HTTP_HEAD_REST:
	case HTTP_BODY:
	case HTTP_CHUNK_DATA:
	case HTTP_LOST:
	case HTTP_TUNNEL:
	case HTTP_IGNORE:
		break;
	}
	return false;
}

static size_t client_data(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct http_state *state = io->state;
	const size_t n = len < state->client.left ? len : (size_t)state->client.left;

	http_body_take(io, data, n);
	state->client.left -= n;
	if (state->client.left > 0)
		return n;
	if (state->client.phase == HTTP_CHUNK_DATA) {
		state->client.phase = HTTP_CHUNK_END;
	} else {
		http_body_over(io, true);
		request_end(io);
	}
	return n;
}

static void client_line(struct protocol_io *io, struct protocol_text line, bool cut)
{
	struct http_state *state = io->state;

	switch ((enum http_phase)state->client.phase) {
	case HTTP_LINE:
	case HTTP_LOST:
		request_line(io, line, cut);
		break;
	case HTTP_LINE_REST:
	case HTTP_HEAD_REST:
		state->client.phase = cut ? state->client.phase : HTTP_HEAD;
		break;
	case HTTP_HEAD:
		if (line.len == 0) {
			http_head_end(io);
			head_end(io);
			break;
		}
		http_head_field(io, line);
		if (cut)
			state->client.phase = HTTP_HEAD_REST;
		break;
	case HTTP_CHUNK_SIZE:
	case HTTP_CHUNK_END:
	case HTTP_TRAILER:
		if (chunk_line(&state->client, line)) {
			http_body_over(io, true);
			request_end(io);
		} else if (state->client.phase == HTTP_LOST) {
			http_body_over(io, false);
			tell_exploits(io);
		}
		break;
	case HTTP_BODY:
	case HTTP_CHUNK_DATA:
	case HTTP_TUNNEL:
	case HTTP_IGNORE:
		break;
	}
}

/* ---- a request line without its end --------------------------------------------------------- */

static char *partial_text(struct http_state *state)
{
	return state->text + state->login_user_len + state->login_password_len;
}

/* Keeps what is there of a request line, for the case that no more of it comes. */
static void keep_partial(struct http_state *state, const uint8_t *data, size_t len)
{
	const size_t room = (size_t)(state->text + HTTP_TEXT - partial_text(state));

	state->partial_len = (uint16_t)(len < room ? len : room);
	memcpy(partial_text(state), data, state->partial_len);
}

/* No more comes: a snap length, a lost packet or the visitor cut it. */
static void tell_partial(struct protocol_io *io)
{
	struct http_state *state = io->state;
	char copy[HTTP_TEXT];
	const struct protocol_text line = {copy, state->partial_len};

	if (state->partial_len == 0)
		return;
	memcpy(copy, partial_text(state), state->partial_len);
	state->partial_len = 0;
	(void)http_head_line(io, line, true);
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct http_state *state = io->state;
	struct protocol_text line;
	size_t taken;

	if (state->client.phase == HTTP_IGNORE)
		return len;
	if (state->client.phase == HTTP_TUNNEL) {
		io->handover = true;
		return 0;
	}
	if (state->client.phase == HTTP_BODY || state->client.phase == HTTP_CHUNK_DATA)
		return client_data(io, data, len);
	taken = line_take(io, data, len, &line);
	state->partial_len = 0;
	if (taken > 0)
		client_line(io, line, is_cut(data, taken));
	else if (state->client.phase == HTTP_LINE)
		keep_partial(state, data, len);
	return taken;
}

/* ---- responses ------------------------------------------------------------------------------ */

static void response_head_end(struct protocol_io *io)
{
	struct http_state *state = io->state;
	struct http_framing *server = &state->server;

	if (state->client.phase == HTTP_TUNNEL && state->status >= 200) {
		/* The tunnel is open, or CONNECT is tried again with a password. */
		io->handover = state->status < 300;
		state->client.phase = HTTP_LINE;
	}
	if (state->status == 101) {
		server->phase = HTTP_IGNORE;
		state->client.phase = HTTP_IGNORE;
	} else if (state->status < 200 || state->status == 204 || state->status == 304
	    || strcmp(state->method, "HEAD") == 0) {
		server->phase = HTTP_LINE;
	} else if (server->chunked) {
		server->phase = HTTP_CHUNK_SIZE;
	} else if (server->has_length) {
		server->phase = server->left > 0 ? HTTP_BODY : HTTP_LINE;
	} else {
		server->phase = HTTP_LOST; /* until the connection ends */
	}
}

static void status_line(struct protocol_io *io, struct protocol_text line, bool cut)
{
	struct http_state *state = io->state;
	const struct http_framing fresh = {.phase = cut ? HTTP_HEAD_REST : HTTP_HEAD};
	const unsigned status = headers_status(line, "HTTP/");

	if (status == 0) {
		if (line.len > 0)
			state->server.phase = HTTP_LOST;
		return;
	}
	state->server = fresh;
	state->status = (uint16_t)status;
	if (status < 200)
		return;
	state->responses++;
	http_login_status(io, status);
}

static void server_line(struct protocol_io *io, struct protocol_text line, bool cut)
{
	struct http_state *state = io->state;
	struct protocol_text name;
	struct protocol_text value;

	switch ((enum http_phase)state->server.phase) {
	case HTTP_LINE:
	case HTTP_LOST:
		status_line(io, line, cut);
		break;
	case HTTP_LINE_REST:
	case HTTP_HEAD_REST:
		state->server.phase = cut ? HTTP_HEAD_REST : HTTP_HEAD;
		break;
	case HTTP_HEAD:
		if (line.len == 0) {
			response_head_end(io);
			break;
		}
		if (headers_field(line, &name, &value)) {
			http_head_framing(&state->server, name, value);
			if (line_is(name, "WWW-Authenticate")
			    || line_is(name, "Proxy-Authenticate"))
				http_login_challenge(io, value);
		}
		if (cut)
			state->server.phase = HTTP_HEAD_REST;
		break;
	case HTTP_CHUNK_SIZE:
	case HTTP_CHUNK_END:
	case HTTP_TRAILER:
		if (chunk_line(&state->server, line))
			state->server.phase = HTTP_LINE;
		break;
	case HTTP_BODY:
	case HTTP_CHUNK_DATA:
	case HTTP_TUNNEL:
	case HTTP_IGNORE:
		break;
	}
}

static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct http_state *state = io->state;
	struct protocol_text line;
	size_t taken;

	if (state->server.phase == HTTP_IGNORE)
		return len;
	if (state->server.phase == HTTP_BODY || state->server.phase == HTTP_CHUNK_DATA) {
		const size_t n = len < state->server.left ? len : (size_t)state->server.left;

		state->server.left -= n;
		if (state->server.left == 0)
			state->server.phase =
			    state->server.phase == HTTP_BODY ? HTTP_LINE : HTTP_CHUNK_END;
		return n;
	}
	taken = line_take(io, data, len, &line);
	if (taken > 0)
		server_line(io, line, is_cut(data, taken));
	return taken;
}

/* ---- the connection ------------------------------------------------------------------------- */

/* Inside a body the message's end is still known; true when the gap was that. */
static bool skip_gap(struct http_framing *framing, uint64_t bytes)
{
	const bool in_body = framing->phase == HTTP_BODY || framing->phase == HTTP_CHUNK_DATA;

	if (!in_body || bytes == 0 || bytes >= framing->left)
		return false;
	framing->left -= bytes;
	return true;
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct http_state *state = io->state;
	struct http_framing *framing = side == PROTOCOL_CLIENT ? &state->client : &state->server;

	if (framing->phase == HTTP_IGNORE || skip_gap(framing, bytes))
		return;
	if (side == PROTOCOL_CLIENT)
		tell_partial(io);
	framing->phase = HTTP_LOST;
	state->out_of_step = true;
	if (side == PROTOCOL_CLIENT) {
		http_body_over(io, false);
		tell_exploits(io);
	}
}

static void close_session(struct protocol_io *io)
{
	tell_partial(io);
	http_body_over(io, false);
	tell_exploits(io);
	http_login_settle(io, PROTOCOL_OUTCOME_UNKNOWN);
}

const struct protocol_module protocol_http = {
	.name = "http",
	.title = "HTTP",
	.spec = "RFC 9110, 9112, 1945, 7616, 7617",
	.doc = "Requests, user agents, logins (Basic, Digest, NTLM, forms, queries, JSON, "
	       "XML), named exploit attempts, bodies as payloads.  Answers as the "
	       "persona's web server, router or camera, and to requests for TR-064, HNAP, "
	       "UPnP, Docker, Hadoop, Elasticsearch, Ethereum and the like as those; "
	       "CONNECT is accepted and leads nowhere.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {80, 8080, 8000, 8081, 8888, 81, 88, 9000, 7547, 37215, 52869, 2375, 9200,
		8088, 8545},
	.state_size = sizeof(struct http_state),
	.client_inbox = HTTP_CLIENT_INBOX,
	.server_inbox = HTTP_SERVER_INBOX,
	.reply_max = HTTP_REPLY_MAX,
	.idle_s = 30,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.server = server,
	.gap = gap,
	.close = close_session,
};
