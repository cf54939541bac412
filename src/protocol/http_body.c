/*
 * The body of an HTTP request: a payload as it comes, and texts inside it that are worth facts.
 *
 * The bytes go through a buffer in the state (behind a login that waits there).  When it is full,
 * or the body ends, what is in it is searched for exploits, logins and shell commands; complete
 * segments leave it, with an overlap so that no pattern is cut.  The buffer fills up always, so
 * what is found does not depend on how the bytes arrived.
 */
#include "protocol/encoding.h"
#include "protocol/http_state.h"
#include "protocol/line.h"

#define SEGMENT_MIN 3

enum body_kind { /* decides what separates segments */
	BODY_LINES, /* and fields of forms */
	BODY_MARKUP,
	BODY_JSON,
};

static const char *const separators[] = {
	[BODY_LINES] = "&\r\n",
	[BODY_MARKUP] = "<>\"",
	[BODY_JSON] = "\"",
};

static char *body_text(struct http_state *state)
{
	return state->text + state->login_user_len + state->login_password_len;
}

static size_t body_room(const struct http_state *state)
{
	return HTTP_TEXT - state->login_user_len - state->login_password_len;
}

/* A value that a shell could run, or a URL, becomes a command; decoded when it is a form's.  URLs
 * in the attributes of markup are names of schemas. */
static void segment(struct protocol_io *io, struct protocol_text text, bool form, bool attribute)
{
	uint8_t buffer[HTTP_TEXT];
	uint8_t wrapped[HTTP_TEXT];
	size_t unwrapped;
	struct protocol_text value;
	const char *equals;

	text = line_trim(text);
	if (form && text.len > 0) {
		text.len = encoding_percent(text.data, text.len, 1, buffer, sizeof(buffer));
		text.data = (const char *)buffer;
	}
	if (text.len >= SEGMENT_MIN
	    && (http_exploit_is_shell(text) || (!attribute && http_exploit_is_url(text))))
		protocol_command(io, text.data, text.len);
	equals = text.len ? memchr(text.data, '=', text.len) : NULL;
	value = text;
	if (form && equals) {
		value.data = equals + 1;
		value.len -= (size_t)(value.data - text.data);
	}
	unwrapped = http_exploit_unwrap(value, wrapped, sizeof(wrapped));
	if (unwrapped > 0)
		protocol_command(io, wrapped, unwrapped);
}

/* Tells the complete segments of the body; the last one too when nothing follows. */
static void commands(struct protocol_io *io, bool last)
{
	struct http_state *state = io->state;
	const char *text = body_text(state);
	const bool markup = state->body_kind == BODY_MARKUP;
	const bool form = state->body_kind == BODY_LINES && memchr(text, '=', state->body_len);
	size_t start = state->body_told;
	bool attribute = markup && (start == 0 || text[start - 1] != '>');

	for (size_t i = start; i < state->body_len; i++) {
		if (!text[i] || !strchr(separators[state->body_kind], text[i]))
			continue;
		segment(io, (struct protocol_text){text + start, i - start}, form, attribute);
		start = i + 1;
		attribute = markup && text[i] != '>';
	}
	if (last || start == 0) {
		segment(io, (struct protocol_text){text + start, state->body_len - start}, form,
		    attribute);
		start = state->body_len;
	}
	state->body_told = (uint16_t)start;
}

static enum body_kind kind_of(struct protocol_text body)
{
	while (body.len > 0 && memchr(" \t\r\n", *body.data, 4)) {
		body.data++;
		body.len--;
	}
	if (body.len > 0 && *body.data == '<')
		return BODY_MARKUP;
	return body.len > 0 && (*body.data == '{' || *body.data == '[') ? BODY_JSON : BODY_LINES;
}

/* Makes room: complete segments leave the buffer, the overlap stays. */
static void shorten(struct http_state *state)
{
	char *text = body_text(state);
	size_t keep_from = state->body_told;

	/* A segment that is longer than the buffer goes through it in pieces. */
	if (state->body_len - keep_from < HTTP_EXPLOIT_OVERLAP
	    || state->body_len - keep_from > body_room(state) / 2)
		keep_from = state->body_len - HTTP_EXPLOIT_OVERLAP;
	memmove(text, text + keep_from, state->body_len - keep_from);
	state->body_len = (uint16_t)(state->body_len - keep_from);
	state->body_told =
	    (uint16_t)(state->body_told > keep_from ? state->body_told - keep_from : 0);
}

static void look(struct protocol_io *io, bool last)
{
	struct http_state *state = io->state;
	struct protocol_text body = {body_text(state), state->body_len};
	char copy[HTTP_TEXT];

	if (!state->form_read)
		state->body_kind = (uint8_t)kind_of(body);
	http_exploit_body(&state->exploit, body);
	commands(io, last);
	/* A login that is found waits in the buffer's front, so it is looked for in a copy. */
	memcpy(copy, body.data, body.len);
	body.data = copy;
	if (last)
		state->body_len = state->body_told = 0;
	else
		shorten(state);
	if (!state->form_read)
		http_login_body(io, body);
	state->form_read = true;
}

void http_body_take(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct http_state *state = io->state;
	const struct protocol_text name = {state->name, strlen(state->name)};

	if (len == 0)
		return;
	protocol_payload(io, 0, name, data, len);
	state->in_payload = true;
	while (len > 0) {
		size_t n = body_room(state) - state->body_len;

		if (n > len)
			n = len;
		memcpy(body_text(state) + state->body_len, data, n);
		state->body_len = (uint16_t)(state->body_len + n);
		data += n;
		len -= n;
		if (state->body_len == body_room(state))
			look(io, false);
	}
}

void http_body_over(struct protocol_io *io, bool whole)
{
	struct http_state *state = io->state;
	const struct protocol_text name = {state->name, strlen(state->name)};

	if (!state->in_payload)
		return;
	look(io, true);
	protocol_payload_end(io, 0, name, whole ? PROTOCOL_PIECE_END : PROTOCOL_PIECE_CUT);
	state->in_payload = false;
}
