/*
 * The head of an HTTP request: its line and its fields become facts and framing.
 *
 * Every request line is an event and a command (target decoded); the first one is the session's
 * request.  RFC 9112 3 and 6, RFC 9110 10.1.
 */
#include "protocol/encoding.h"
#include "protocol/headers.h"
#include "protocol/http_state.h"
#include "protocol/line.h"

#include <inttypes.h>
#include <stdio.h>

#define SIMPLE_METHOD "GET"
#define H2_FRAME_HEADER 9
#define SCHEME_MAX 8 /* "https://" */
#define FNV_START 2166136261u
#define FNV_PRIME 16777619u

static struct protocol_text behind(struct protocol_text text, size_t n)
{
	return (struct protocol_text){text.data + n, text.len - n};
}

/* The path of a target: an absolute URI without its scheme and host. */
static struct protocol_text path_of(struct protocol_text target)
{
	const char *slash;

	if (!line_begins(target, "http://") && !line_begins(target, "https://"))
		return target;
	target = behind(target, line_begins(target, "https://") ? SCHEME_MAX : SCHEME_MAX - 1);
	slash = target.len ? memchr(target.data, '/', target.len) : NULL;
	return slash ? behind(target, (size_t)(slash - target.data)) : PROTOCOL_LITERAL("/");
}

/* "METHOD target" with the target decoded: + is a blank in the query only. */
static void command_fact(struct protocol_io *io, struct protocol_text method,
    struct protocol_text target, struct protocol_text *ret_decoded,
    uint8_t buffer[PROTOCOL_TEXT_MAX])
{
	const char *query = target.len ? memchr(target.data, '?', target.len) : NULL;
	const size_t path_len = query ? (size_t)(query - target.data) : target.len;
	size_t at = method.len;
	size_t start;

	memcpy(buffer, method.data, at);
	buffer[at++] = ' ';
	start = at;
	at += encoding_percent(target.data, path_len, 0, buffer + at, PROTOCOL_TEXT_MAX - at);
	if (query)
		at += encoding_percent(query, target.len - path_len, 1, buffer + at,
		    PROTOCOL_TEXT_MAX - at);
	ret_decoded->data = (const char *)buffer + start;
	ret_decoded->len = at - start;
	protocol_command(io, buffer, at);
}

static void remember_method(struct http_state *state, struct protocol_text method)
{
	const size_t n = method.len < HTTP_METHOD - 1 ? method.len : HTTP_METHOD - 1;

	memset(state->method, 0, sizeof(state->method));
	memcpy(state->method, method.data, n);
}

static void remember_name(struct http_state *state, struct protocol_text path)
{
	const char *query = path.len ? memchr(path.data, '?', path.len) : NULL;
	size_t n = query ? (size_t)(query - path.data) : path.len;

	n = n < HTTP_NAME - 1 ? n : HTTP_NAME - 1;
	memset(state->name, 0, sizeof(state->name));
	if (n)
		memcpy(state->name, path.data, n);
}

/* A new request: what was remembered of the one before goes, the waiting login stays. */
static void begin(struct http_state *state, const struct headers_request *request)
{
	const struct http_framing fresh = {.phase = HTTP_HEAD};

	state->client = fresh;
	state->requests++;
	state->old = request->version.len == 0 || line_is(request->version, "HTTP/1.0")
	    || line_begins(request->version, "HTTP/0");
	state->close = state->old;
	state->simple = request->version.len == 0;
	state->rpc = 0;
	state->rpc_id[0] = '\0';
	state->expects = false;
	state->has_login = false;
	state->login_known = false;
	state->was_login = false;
	state->form_read = false;
	state->ntlm_begun = false;
	state->in_payload = false;
	state->body_len = 0;
	state->body_told = 0;
}

static void request_facts(struct protocol_io *io, const struct headers_request *request)
{
	struct http_state *state = io->state;
	uint8_t buffer[PROTOCOL_TEXT_MAX];
	struct protocol_text decoded;
	struct protocol_text path;
	const char *query;

	protocol_event(io, HTTP_EVENT_REQUEST);
	if (state->simple)
		protocol_event(io, HTTP_EVENT_SIMPLE);
	state->is_proxy =
	    request->target.data[0] != '/' && headers_contains(request->target, "://");
	if (line_is(request->method, "CONNECT"))
		protocol_event(io, HTTP_EVENT_CONNECT);
	else if (state->is_proxy)
		protocol_event(io, HTTP_EVENT_PROXY);
	command_fact(io, request->method, request->target, &decoded, buffer);
	http_exploit_line(&state->exploit, request->method, request->target, decoded);
	path = path_of(decoded);
	remember_name(state, path);
	http_answer_choose(io, path);
	query = request->target.len ? memchr(request->target.data, '?', request->target.len) : NULL;
	if (query)
		http_login_pairs(io,
		    behind(request->target, (size_t)(query - request->target.data) + 1),
		    HTTP_LOGIN_QUERY);
}

/* Takes the beginning of " HTTP/1.1" off a target whose line was cut in it. */
static void without_cut_version(struct protocol_text *target)
{
	static const char version[] = "HTTP/1.1";
	size_t at = target->len;

	while (at > 0 && target->data[at - 1] != ' ')
		at--;
	if (at > 0 && target->len - at < sizeof(version)
	    && strncasecmp(target->data + at, version, target->len - at) == 0)
		target->len = at;
	*target = line_trim(*target);
}

bool http_head_line(struct protocol_io *io, struct protocol_text line, bool cut)
{
	struct http_state *state = io->state;
	struct headers_request request;

	if (!headers_request(line, "HTTP/", &request) || request.target.len == 0)
		return false;
	if (cut && request.version.len == 0)
		without_cut_version(&request.target);
	if (request.version.len == 0) {
		/* HTTP/0.9 has no version; of a line that was cut it is not known. */
		const bool plausible = request.target.data[0] == '/'
		    || line_begins(request.target, "http://");

		if (!plausible || (!cut && !line_is(request.method, SIMPLE_METHOD)))
			return false;
	}
	if (line_begins(request.version, "HTTP/2") && line_is(request.method, "PRI")) {
		/* An empty SETTINGS frame, as a server's preface must be (RFC 9113 3.4). */
		protocol_event(io, HTTP_EVENT_H2);
		protocol_reply(io, "\0\0\0\4\0\0\0\0\0", H2_FRAME_HEADER);
		state->client.phase = HTTP_IGNORE;
		return true;
	}
	begin(state, &request);
	if (cut)
		state->old = state->close = state->simple = false;
	remember_method(state, request.method);
	if (!state->told_request) {
		struct protocol_text first = line_trim(line);

		if (request.version.len || cut)
			first.len = (size_t)(request.target.data + request.target.len - first.data);
		protocol_attribute(io, PROTOCOL_REQUEST, first.data, first.len);
		state->told_request = true;
	}
	request_facts(io, &request);
	if (cut)
		state->client.phase = HTTP_LINE_REST;
	return true;
}

void http_head_framing(struct http_framing *framing, struct protocol_text name,
    struct protocol_text value)
{
	if (line_is(name, "Content-Length")) {
		framing->left = headers_number(value);
		framing->has_length = true;
	} else if (line_is(name, "Transfer-Encoding") && headers_contains(value, "chunked")) {
		framing->chunked = true;
	}
}

/* Fields in which commands travel: SOAPAction, cookies, a User-Agent for Shellshock or Log4Shell.
 * Browsers' names and addresses of pages are none. */
static bool is_command(struct protocol_text name, struct protocol_text value, bool shell)
{
	if (line_is(name, "User-Agent"))
		return headers_contains(value, "() {") || headers_contains(value, "${");
	if (line_is(name, "Authorization") || line_is(name, "Proxy-Authorization")
	    || line_is(name, "Origin"))
		return false;
	if (line_is(name, "Referer") || line_begins(name, "Accept"))
		return headers_contains(value, "() {") || headers_contains(value, "${jndi");
	return shell || headers_contains(value, "${");
}

/* One byte more of the FNV-1a of base/hash.h, whose text comes in parts here. */
static uint32_t fnv_add(uint32_t h, uint8_t byte)
{
	return (h ^ byte) * FNV_PRIME;
}

/* The names in lower case, each ended by a newline: libraries and bots differ in their order. */
static void add_name(struct http_state *state, struct protocol_text name)
{
	uint32_t h = state->headers ? state->headers : FNV_START;

	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = (uint8_t)name.data[i];

		h = fnv_add(h, (uint8_t)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
	}
	state->headers = fnv_add(h, '\n');
}

void http_head_end(struct protocol_io *io)
{
	const struct http_state *state = io->state;
	char text[9];

	if (state->requests != 1 || state->headers == 0 || !protocol_texts(io))
		return;
	(void)snprintf(text, sizeof(text), "%08" PRIx32, state->headers);
	protocol_attribute(io, PROTOCOL_HEADERS, text, strlen(text));
}

void http_head_field(struct protocol_io *io, struct protocol_text line)
{
	struct http_state *state = io->state;
	const bool shell = http_exploit_field(&state->exploit, line);
	struct protocol_text name;
	struct protocol_text value;

	if (!headers_field(line, &name, &value))
		return;
	if (state->requests == 1 && protocol_texts(io))
		add_name(state, name);
	http_head_framing(&state->client, name, value);
	if (line_is(name, "User-Agent"))
		protocol_attribute(io, PROTOCOL_SOFTWARE, value.data, value.len);
	else if (line_is(name, "Authorization") || line_is(name, "Proxy-Authorization"))
		http_login_authorization(io, value);
	else if (line_is(name, "Expect"))
		state->expects = headers_contains(value, "100-continue");
	else if (line_is(name, "Connection") || line_is(name, "Proxy-Connection"))
		state->close = headers_contains(value, "close")
		    || (state->old && !headers_contains(value, "keep-alive"));
	if (is_command(name, value, shell))
		protocol_command(io, line.data, line.len);
}
