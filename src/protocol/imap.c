/*
 * IMAP: who tries which mailbox with what password.
 *
 * Refuses every login as one product does (persona key imap.dialogue).  Arguments of LOGIN come as
 * atoms, quoted strings or literals, which stand on lines of their own; literals of other commands
 * (APPEND: a message) are payloads.  Passive: the outcome is the tagged OK or NO.
 * RFC 3501, 9051, 2088 (LITERAL+), 2971 (ID), 4959 (SASL-IR).
 */
#include "protocol/phrase.h"
#include "protocol/sasl.h"
#include "protocol/verb.h"

enum {
	EVENT_COMMAND,
	EVENT_AUTH,
	EVENT_TLS,
};

static const struct protocol_event_name events[] = {
	[EVENT_COMMAND] = {"command", "command without credentials"},
	[EVENT_AUTH] = {"auth", "AUTHENTICATE: a SASL exchange begins"},
	[EVENT_TLS] = {"tls", "STARTTLS: TLS is asked for"},
};

enum verb { LOGIN, AUTHENTICATE, CAPABILITY, STARTTLS, LOGOUT, NOOP, ID, APPEND };

static const char *const verbs[] = {"LOGIN", "AUTHENTICATE", "CAPABILITY", "STARTTLS", "LOGOUT",
	"NOOP", "ID", "APPEND", NULL};

/* Lines of imap.dialogue; the tag comes before those that need one. */
enum phrase {
	SAY_BANNER, SAY_CAPABILITY, SAY_CAPABILITY_DONE, SAY_REFUSED, SAY_BYE, SAY_LOGOUT_DONE,
	SAY_LOGIN_FIRST, SAY_NOOP_DONE, SAY_NO_TLS, SAY_BAD_MECHANISM, SAY_LITERAL, SAY_ID,
	SAY_ID_DONE, SAY_MALFORMED,
};

#define DIALOGUE "imap.dialogue"
#define LINE 1024
#define SERVER_LINE 192
#define TAG_MAX 32
#define REFUSALS_MAX 3
#define LITERAL_LOGIN_MAX 320 /* of a user or password; longer ones are cut */

struct state {
	struct attempt attempt;
	struct sasl sasl;
	uint64_t literal_left;
	bool skip[2];
	bool in_sasl;
	bool in_literal;
	bool continued; /* the next line goes on with the command */
	bool tls_asked;
	uint8_t verb;
	uint8_t arguments; /* of LOGIN, so far */
	uint8_t refusals;
	uint8_t tag_len;
	char tag[TAG_MAX];
};

/* A tag: what clients send is short; four letters alone are another protocol's word. */
static enum protocol_verdict probe_tag(const uint8_t *data, size_t len, size_t *ret_len)
{
	bool digit = false;
	size_t n = 0;

	while (n < len && n <= TAG_MAX && data[n] > ' ' && data[n] < 0x7f &&
	       !strchr("(){%*\"\\+", data[n])) {
		digit |= data[n] >= '0' && data[n] <= '9';
		n++;
	}
	if (n > TAG_MAX)
		return PROTOCOL_NO;
	if (n == len)
		return PROTOCOL_MORE;
	*ret_len = n;
	return n > 0 && (digit || n < 4) && data[n] == ' ' ? PROTOCOL_YES : PROTOCOL_NO;
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const char *const first[] = {"LOGIN", "AUTHENTICATE", "CAPABILITY", "STARTTLS",
		"LOGOUT", "NOOP", "ID", NULL};
	size_t tag_len = 0;
	enum protocol_verdict tag;

	if (start->hinted)
		return verb_hinted(start);
	tag = probe_tag(start->client, start->client_len, &tag_len);
	if (tag != PROTOCOL_YES)
		return tag;
	return verb_probe(start->client + tag_len + 1, start->client_len - tag_len - 1, first);
}

static void say(struct protocol_io *io, enum phrase phrase)
{
	phrase_reply(io, DIALOGUE, phrase, PROTOCOL_LITERAL(""));
}

static void say_tagged(struct protocol_io *io, enum phrase phrase)
{
	const struct state *state = io->state;

	protocol_reply(io, state->tag, state->tag_len);
	protocol_reply(io, " ", 1);
	say(io, phrase);
}

static void open_session(struct protocol_io *io)
{
	say(io, SAY_BANNER);
}

static void complete(struct protocol_io *io)
{
	struct state *state = io->state;

	state->in_sasl = false;
	if (!io->answering)
		return;
	attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
	say_tagged(io, SAY_REFUSED);
	io->hang_up = ++state->refusals >= REFUSALS_MAX;
}

static void sasl_line(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	char prompt[SASL_PROMPT_MAX];

	switch (sasl_client(io, &state->sasl, &state->attempt, line)) {
	case SASL_MORE:
		sasl_prompt(&state->sasl, prompt);
		protocol_replyf(io, "+ %s\r\n", prompt);
		break;
	case SASL_DONE:
		complete(io);
		break;
	case SASL_TOLD:
		state->in_sasl = false;
		break;
	case SASL_BAD:
		state->in_sasl = false;
		say_tagged(io, SAY_REFUSED);
		break;
	}
}

static void authenticate(struct protocol_io *io, struct protocol_text argument)
{
	struct state *state = io->state;
	struct protocol_text mechanism = line_word(&argument);
	char prompt[SASL_PROMPT_MAX];

	protocol_event(io, EVENT_AUTH);
	if (sasl_begin(io, &state->sasl, mechanism, "persona.hostname") == SASL_UNKNOWN) {
		say_tagged(io, SAY_BAD_MECHANISM);
		return;
	}
	state->in_sasl = true;
	argument = line_trim(argument);
	if (argument.len > 0) {
		sasl_line(io, argument);
		return;
	}
	sasl_prompt(&state->sasl, prompt);
	protocol_replyf(io, "+ %s\r\n", prompt);
}

/* ---- LOGIN's arguments and literals --------------------------------------------------------- */

static void login_argument(struct protocol_io *io, struct protocol_text text)
{
	struct state *state = io->state;

	if (state->arguments == 0)
		attempt_user(io, &state->attempt, text);
	else if (state->arguments == 1)
		attempt_password(io, &state->attempt, text, PROTOCOL_SECRET_PASSWORD, "LOGIN");
	if (state->arguments < 2)
		state->arguments++;
}

/* A quoted string without its quotes and backslashes, into buf; moves *text past it. */
static struct protocol_text unquote(struct protocol_text *text, char *buf, size_t cap)
{
	size_t n = 0;
	size_t i = 1;

	while (i < text->len && text->data[i] != '"') {
		if (text->data[i] == '\\' && i + 1 < text->len)
			i++;
		if (n < cap)
			buf[n++] = text->data[i];
		i++;
	}
	i += i < text->len;
	text->data += i;
	text->len -= i;
	return (struct protocol_text){buf, n};
}

/* {n} or {n+} at a line's end; false when there is none. */
static bool literal_at_end(struct protocol_text line, uint64_t *ret_size, bool *ret_waits)
{
	size_t i = line.len;
	uint64_t size = 0;
	uint64_t scale = 1;

	if (i < 3 || line.data[--i] != '}')
		return false;
	*ret_waits = line.data[i - 1] != '+';
	i -= !*ret_waits;
	while (i > 0 && line.data[i - 1] >= '0' && line.data[i - 1] <= '9' && scale < 1000000000) {
		size += scale * (uint64_t)(line.data[--i] - '0');
		scale *= 10;
	}
	if (scale == 1 || i == 0 || line.data[i - 1] != '{')
		return false;
	*ret_size = size;
	return true;
}

/* What follows LOGIN in this line. */
static void login_words(struct protocol_io *io, struct protocol_text rest)
{
	char quoted[LITERAL_LOGIN_MAX];

	rest = line_trim(rest);
	while (rest.len > 0 && rest.data[0] != '{') {
		if (rest.data[0] == '"')
			login_argument(io, unquote(&rest, quoted, sizeof(quoted)));
		else
			login_argument(io, line_word(&rest));
		rest = line_trim(rest);
	}
}

/* The line is read; if it ends in a literal, the command goes on behind that. */
static void end_of_line(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	bool waits;

	state->continued = false;
	if (literal_at_end(line, &state->literal_left, &waits)) {
		state->in_literal = true;
		if (waits)
			say(io, SAY_LITERAL);
		return;
	}
	if (state->verb != LOGIN)
		return;
	if (state->attempt.waiting)
		complete(io);
	else
		say_tagged(io, SAY_MALFORMED);
}

static size_t literal(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	const bool is_login = state->verb == LOGIN && state->literal_left <= LITERAL_LOGIN_MAX;
	size_t n = len < state->literal_left ? len : (size_t)state->literal_left;

	if (is_login && n < state->literal_left)
		return 0;
	if (is_login)
		login_argument(io, (struct protocol_text){(const char *)data, n});
	else if (state->verb == APPEND && n > 0)
		protocol_payload(io, 0, PROTOCOL_LITERAL(""), data, n);
	state->literal_left -= n;
	if (state->literal_left > 0)
		return n;
	if (state->verb == APPEND)
		protocol_payload_end(io, 0, PROTOCOL_LITERAL(""), PROTOCOL_PIECE_END);
	state->in_literal = false;
	state->continued = true;
	return n;
}

/* ---- commands ------------------------------------------------------------------------------- */

/* ID ("name" "Client" …) */
static void id(struct protocol_io *io, struct protocol_text argument)
{
	char key[16];
	char value[128];

	while (argument.len > 0 && argument.data[0] != '"') {
		argument.data++;
		argument.len--;
	}
	while (argument.len > 0 && argument.data[0] == '"') {
		const struct protocol_text name = unquote(&argument, key, sizeof(key));
		struct protocol_text text;

		argument = line_trim(argument);
		if (argument.len == 0 || argument.data[0] != '"')
			return;
		text = unquote(&argument, value, sizeof(value));
		if (line_is(name, "name"))
			protocol_attribute(io, PROTOCOL_SOFTWARE, text.data, text.len);
		argument = line_trim(argument);
	}
}

static void command(struct protocol_io *io, struct protocol_text line,
    struct protocol_text argument)
{
	struct state *state = io->state;

	protocol_event(io, EVENT_COMMAND);
	protocol_command(io, line.data, line.len);
	switch (state->verb) {
	case CAPABILITY:
		say(io, SAY_CAPABILITY);
		say_tagged(io, SAY_CAPABILITY_DONE);
		break;
	case STARTTLS:
		protocol_event(io, EVENT_TLS);
		state->tls_asked = true;
		say_tagged(io, SAY_NO_TLS);
		break;
	case LOGOUT:
		say(io, SAY_BYE);
		say_tagged(io, SAY_LOGOUT_DONE);
		io->hang_up = true;
		break;
	case NOOP:
		say_tagged(io, SAY_NOOP_DONE);
		break;
	case ID:
		id(io, argument);
		say(io, SAY_ID);
		say_tagged(io, SAY_ID_DONE);
		break;
	default:
		say_tagged(io, SAY_LOGIN_FIRST);
		break;
	}
}

static void first_line(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	struct protocol_text rest = line;
	const struct protocol_text tag = line_word(&rest);

	state->tag_len = (uint8_t)(tag.len < TAG_MAX ? tag.len : TAG_MAX);
	if (tag.len)
		memcpy(state->tag, tag.data, state->tag_len);
	for (size_t i = 0; i < state->tag_len; i++)
		if (state->tag[i] < '!' || state->tag[i] > '~') { /* never sent back */
			state->tag[0] = '*';
			state->tag_len = 1;
		}
	state->verb = (uint8_t)verb_find(line_word(&rest), verbs);
	state->arguments = 0;
	if (state->verb == LOGIN)
		login_words(io, rest);
	else if (state->verb == AUTHENTICATE)
		authenticate(io, rest);
	else
		command(io, line, rest);
	end_of_line(io, line);
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line;
	size_t taken;

	if (state->in_literal && state->literal_left > 0)
		return literal(io, data, len);
	if (state->in_literal)
		(void)literal(io, data, 0);
	taken = verb_line(io, &state->skip[PROTOCOL_CLIENT], data, len, &line);
	if (taken == 0 || !line.data)
		return taken;
	if (state->in_sasl) {
		sasl_line(io, line);
	} else if (state->continued) {
		if (state->verb == LOGIN)
			login_words(io, line);
		end_of_line(io, line);
	} else if (line.len > 0) {
		first_line(io, line);
	}
	return taken;
}

static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line;
	struct protocol_text word;
	size_t taken = verb_line(io, &state->skip[PROTOCOL_SERVER], data, len, &line);

	if (taken == 0 || !line.data)
		return taken;
	if (line_begins(line, "+ ") && state->in_sasl)
		sasl_server(&state->sasl, (struct protocol_text){line.data + 2, line.len - 2});
	word = line_word(&line);
	if (state->tag_len == 0 || word.len != state->tag_len ||
	    memcmp(word.data, state->tag, word.len) != 0)
		return taken;
	if (line_is(line_word(&line), "OK")) {
		attempt_verdict(io, &state->attempt, PROTOCOL_ACCEPTED);
		io->handover = state->tls_asked;
	} else {
		attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
	}
	state->in_sasl = false;
	state->in_literal = false;
	state->continued = false;
	state->tls_asked = false;
	return taken;
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct state *state = io->state;

	if (side == PROTOCOL_CLIENT && state->in_literal && bytes > 0 &&
	    bytes < state->literal_left) {
		state->literal_left -= bytes;
		return;
	}
	state->skip[side] = true;
	if (side == PROTOCOL_SERVER)
		return;
	if (state->in_literal && state->verb == APPEND)
		protocol_payload_end(io, 0, PROTOCOL_LITERAL(""), PROTOCOL_PIECE_CUT);
	state->in_literal = false;
	state->continued = false;
	state->in_sasl = false;
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	attempt_verdict(io, &state->attempt, PROTOCOL_OUTCOME_UNKNOWN);
	if (state->in_literal && state->verb == APPEND)
		protocol_payload_end(io, 0, PROTOCOL_LITERAL(""), PROTOCOL_PIECE_CUT);
}

const struct protocol_module protocol_imap = {
	.name = "imap",
	.title = "IMAP",
	.spec = "RFC 3501, 9051, 2088, 2971, 4959",
	.doc = "Logins by LOGIN and AUTHENTICATE (PLAIN, LOGIN, CRAM-MD5, XOAUTH2), commands, the "
	       "client's ID.  Answers as a mail server that refuses every password.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_SERVER,
	.tcp_ports = {143},
	.state_size = sizeof(struct state),
	.client_inbox = LINE,
	.server_inbox = SERVER_LINE,
	.reply_max = 1024,
	.idle_s = 180,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.open = open_session,
	.client = client,
	.server = server,
	.gap = gap,
	.close = close_session,
};
