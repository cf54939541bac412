/*
 * SMTP and submission: who logs in, which mail is to be sent to whom.
 *
 * Answers as one mail server product (persona key smtp.dialogue): refuses every login, takes every
 * message and delivers none.  Passive: a login's outcome is the server's 235 or 5xx, DATA is a
 * message unless the server refuses it.  Messages are payloads.
 * RFC 5321, 3030 (BDAT), 4954 (AUTH), 3207 (STARTTLS).
 */
#include "protocol/phrase.h"
#include "protocol/sasl.h"
#include "protocol/verb.h"

enum {
	EVENT_HELO,
	EVENT_MAIL,
	EVENT_RCPT,
	EVENT_MESSAGE,
	EVENT_AUTH,
	EVENT_TLS,
	EVENT_VERIFY,
};

static const struct protocol_event_name events[] = {
	[EVENT_HELO] = {"helo", "HELO, EHLO or LHLO"},
	[EVENT_MAIL] = {"mail", "MAIL FROM: a message is to be sent"},
	[EVENT_RCPT] = {"rcpt", "RCPT TO: one recipient"},
	[EVENT_MESSAGE] = {"message", "a message begins to come"},
	[EVENT_AUTH] = {"auth", "AUTH: a SASL exchange begins"},
	[EVENT_TLS] = {"tls", "STARTTLS: TLS is asked for"},
	[EVENT_VERIFY] = {"verify", "VRFY or EXPN: an address is asked about"},
};

enum verb { HELO, EHLO, LHLO, MAIL, RCPT, DATA, BDAT, RSET, NOOP, QUIT, AUTH, STARTTLS, VRFY, EXPN,
	HELP };

static const char *const verbs[] = {"HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET",
	"NOOP", "QUIT", "AUTH", "STARTTLS", "VRFY", "EXPN", "HELP", NULL};

/* Lines of smtp.dialogue. */
enum phrase {
	SAY_BANNER, SAY_HELO, SAY_EHLO, SAY_OK, SAY_RCPT_OK, SAY_DATA, SAY_QUEUED, SAY_BYE,
	SAY_UNKNOWN, SAY_REFUSED, SAY_BAD_MECHANISM, SAY_NO_TLS, SAY_VERIFY, SAY_HELP,
	SAY_MAIL_FIRST, SAY_CANCELLED, SAY_NOTHING_DONE,
};

#define DIALOGUE "smtp.dialogue"
#define LINE 1024
#define SERVER_LINE 192
#define REFUSALS_MAX 5

enum mode {
	MODE_COMMAND,
	MODE_SASL,
	MODE_MESSAGE, /* up to a lone dot */
	MODE_CHUNK,   /* chunk_left bytes of BDAT */
};

enum at { /* where in a message's line; bytes held back are the dot, and the CR behind it */
	AT_BEGIN,
	AT_DOT,
	AT_DOT_CR,
	AT_MIDDLE,
};

struct state {
	struct attempt attempt;
	struct sasl sasl;
	uint64_t chunk_left;
	bool skip[2];
	bool tls_asked;
	bool data_asked; /* passive: the server may still refuse */
	bool has_mail;
	bool chunk_last;
	bool in_message; /* a payload is open */
	uint8_t mode;
	uint8_t at;
	uint8_t refusals;
};

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const char *const sure[] = {"EHLO", "HELO", "LHLO", NULL};
	static const char *const shared[] = {"AUTH LOGIN", "AUTH PLAIN", "AUTH CRAM-MD5",
	    "AUTH NTLM", "AUTH XOAUTH2", "STARTTLS", "VRFY", "EXPN", "RSET", "MAIL", "RCPT", NULL};
	enum protocol_verdict client;
	enum protocol_verdict server;

	if (start->hinted)
		return verb_hinted(start);
	client = verb_probe(start->client, start->client_len, sure);
	if (client != PROTOCOL_NO)
		return client;
	client = verb_probe(start->client, start->client_len, shared);
	server = probe_word(start->server, start->server_len, "220");
	return client == PROTOCOL_YES ? server : client == PROTOCOL_NO ? client :
	    server == PROTOCOL_NO ? server : PROTOCOL_MORE;
}

static void say(struct protocol_io *io, enum phrase phrase, struct protocol_text argument)
{
	phrase_reply(io, DIALOGUE, phrase, argument);
}

static void say_plainly(struct protocol_io *io, enum phrase phrase)
{
	say(io, phrase, PROTOCOL_LITERAL(""));
}

static void open_session(struct protocol_io *io)
{
	say_plainly(io, SAY_BANNER);
}

/* ---- AUTH ----------------------------------------------------------------------------------- */

static void sasl_line(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	char prompt[SASL_PROMPT_MAX];

	switch (sasl_client(io, &state->sasl, &state->attempt, line)) {
	case SASL_MORE:
		sasl_prompt(&state->sasl, prompt);
		protocol_replyf(io, "334 %s\r\n", prompt);
		return;
	case SASL_DONE:
		if (!io->answering)
			break;
		attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
		say_plainly(io, SAY_REFUSED);
		io->hang_up = ++state->refusals >= REFUSALS_MAX;
		break;
	case SASL_TOLD:
		break;
	case SASL_BAD:
		say_plainly(io, SAY_CANCELLED);
		break;
	}
	state->mode = MODE_COMMAND;
}

static void auth(struct protocol_io *io, struct protocol_text argument)
{
	struct state *state = io->state;
	struct protocol_text mechanism = line_word(&argument);
	char prompt[SASL_PROMPT_MAX];

	protocol_event(io, EVENT_AUTH);
	if (sasl_begin(io, &state->sasl, mechanism, "persona.hostname") == SASL_UNKNOWN) {
		say_plainly(io, SAY_BAD_MECHANISM);
		return;
	}
	state->mode = MODE_SASL;
	argument = line_trim(argument);
	if (argument.len > 0) {
		sasl_line(io, argument);
		return;
	}
	sasl_prompt(&state->sasl, prompt);
	protocol_replyf(io, "334 %s\r\n", prompt);
}

/* The server's answer to a whole message, with an id as long as mail servers give. */
static void say_queued(struct protocol_io *io)
{
	uint64_t id = protocol_random(io);
	char text[11];

	for (unsigned i = 0; i < sizeof(text); i++) {
		text[i] = "0123456789ABCDEFGHJKLMNPQRSTVWXY"[id & 31];
		id >>= 5;
	}
	say(io, SAY_QUEUED, (struct protocol_text){text, sizeof(text)});
}

/* ---- messages ------------------------------------------------------------------------------- */

static void message_bytes(struct protocol_io *io, const void *data, size_t len)
{
	struct state *state = io->state;

	if (!state->in_message)
		protocol_event(io, EVENT_MESSAGE);
	state->in_message = true;
	if (len)
		protocol_payload(io, 0, PROTOCOL_LITERAL(""), data, len);
}

static void message_end(struct protocol_io *io, enum protocol_piece piece)
{
	struct state *state = io->state;

	if (state->in_message)
		protocol_payload_end(io, 0, PROTOCOL_LITERAL(""), piece);
	state->in_message = false;
}

/* One byte of a message; false when it is held back, or ends the message. */
static bool message_byte(struct protocol_io *io, uint8_t byte)
{
	struct state *state = io->state;

	if (state->at == AT_BEGIN && byte == '.') {
		state->at = AT_DOT;
		return false;
	}
	if (state->at == AT_DOT && byte == '\r') {
		state->at = AT_DOT_CR;
		return false;
	}
	if ((state->at == AT_DOT || state->at == AT_DOT_CR) && byte == '\n') {
		state->mode = MODE_COMMAND;
		return false;
	}
	if (state->at == AT_DOT_CR)
		message_bytes(io, "\r", 1);
	state->at = byte == '\n' ? AT_BEGIN : AT_MIDDLE;
	return true;
}

/* A message's bytes, dots undone (RFC 5321 4.5.2). */
static size_t message(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t from = 0; /* of the run that is still to be told */
	size_t i = 0;

	while (i < len && state->mode == MODE_MESSAGE) {
		if (!message_byte(io, data[i])) {
			if (i > from)
				message_bytes(io, data + from, i - from);
			from = i + 1;
		}
		i++;
	}
	if (i > from)
		message_bytes(io, data + from, i - from);
	if (state->mode == MODE_MESSAGE)
		return i;
	message_bytes(io, NULL, 0);
	message_end(io, PROTOCOL_PIECE_END);
	say_queued(io);
	state->has_mail = false;
	return i;
}

static size_t chunk(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t n = len < state->chunk_left ? len : (size_t)state->chunk_left;

	message_bytes(io, data, n);
	state->chunk_left -= n;
	if (state->chunk_left > 0)
		return n;
	state->mode = MODE_COMMAND;
	if (state->chunk_last)
		message_end(io, PROTOCOL_PIECE_END);
	if (state->chunk_last)
		say_queued(io);
	else
		say_plainly(io, SAY_OK);
	return n;
}

/* BDAT size [LAST] */
static void bdat(struct protocol_io *io, struct protocol_text argument)
{
	struct state *state = io->state;
	struct protocol_text size = line_word(&argument);
	uint64_t value = 0;

	for (size_t i = 0; i < size.len && i < 12 && size.data[i] >= '0' && size.data[i] <= '9';
	     i++)
		value = value * 10 + (uint64_t)(size.data[i] - '0');
	state->chunk_left = value;
	state->chunk_last = line_is(line_word(&argument), "LAST");
	message_bytes(io, NULL, 0);
	state->mode = MODE_CHUNK;
	if (value == 0)
		(void)chunk(io, NULL, 0);
}

static void data_command(struct protocol_io *io)
{
	struct state *state = io->state;

	if (io->answering && !state->has_mail) {
		say_plainly(io, SAY_MAIL_FIRST);
		return;
	}
	state->mode = MODE_MESSAGE;
	state->at = AT_BEGIN;
	state->data_asked = !io->answering;
	say_plainly(io, SAY_DATA);
}

/* ---- commands ------------------------------------------------------------------------------- */

static void command(struct protocol_io *io, unsigned verb, struct protocol_text argument)
{
	struct state *state = io->state;
	const struct protocol_text name = line_trim(argument);

	switch (verb) {
	case HELO:
	case EHLO:
	case LHLO:
		protocol_event(io, EVENT_HELO);
		protocol_attribute(io, PROTOCOL_SOFTWARE, name.data, name.len);
		say(io, verb == HELO ? SAY_HELO : SAY_EHLO, name);
		break;
	case MAIL:
		protocol_event(io, EVENT_MAIL);
		state->has_mail = true;
		say_plainly(io, SAY_OK);
		break;
	case RCPT:
		protocol_event(io, EVENT_RCPT);
		say_plainly(io, SAY_RCPT_OK);
		break;
	case DATA:
		data_command(io);
		break;
	case BDAT:
		bdat(io, argument);
		break;
	case RSET:
		state->has_mail = false;
		say_plainly(io, SAY_NOTHING_DONE);
		break;
	case NOOP:
		say_plainly(io, SAY_NOTHING_DONE);
		break;
	case QUIT:
		say_plainly(io, SAY_BYE);
		io->hang_up = true;
		break;
	case STARTTLS:
		protocol_event(io, EVENT_TLS);
		state->tls_asked = true;
		say_plainly(io, SAY_NO_TLS);
		break;
	case VRFY:
	case EXPN:
		protocol_event(io, EVENT_VERIFY);
		say(io, SAY_VERIFY, name);
		break;
	case HELP:
		say_plainly(io, SAY_HELP);
		break;
	default:
		say_plainly(io, SAY_UNKNOWN);
		break;
	}
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line;
	struct protocol_text argument;
	size_t taken;
	unsigned verb;

	if (state->mode == MODE_MESSAGE)
		return message(io, data, len);
	if (state->mode == MODE_CHUNK)
		return chunk(io, data, len);
	taken = verb_line(io, &state->skip[PROTOCOL_CLIENT], data, len, &line);
	if (taken == 0 || !line.data)
		return taken;
	if (state->mode == MODE_SASL) {
		sasl_line(io, line);
		return taken;
	}
	if (line.len == 0)
		return taken;
	argument = line;
	verb = verb_find(line_word(&argument), verbs);
	state->data_asked = false;
	if (verb == AUTH) { /* its line may hold the password */
		auth(io, argument);
		return taken;
	}
	protocol_command(io, line.data, line.len);
	command(io, verb, argument);
	return taken;
}

static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line;
	size_t taken = verb_line(io, &state->skip[PROTOCOL_SERVER], data, len, &line);
	bool failed;

	if (taken == 0 || !line.data || line.len == 0)
		return taken;
	failed = line.data[0] == '4' || line.data[0] == '5';
	if (line_begins(line, "235"))
		attempt_verdict(io, &state->attempt, PROTOCOL_ACCEPTED);
	else if (failed)
		attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
	if (line_begins(line, "334 ") && state->mode == MODE_SASL)
		sasl_server(&state->sasl, (struct protocol_text){line.data + 4, line.len - 4});
	if (line_begins(line, "220") && state->tls_asked)
		io->handover = true;
	if (failed) {
		state->tls_asked = false;
		if (state->mode == MODE_SASL || (state->mode == MODE_MESSAGE && state->data_asked))
			state->mode = MODE_COMMAND;
	}
	if (line_begins(line, "354")) { /* a recipient before it may have been refused */
		if (state->data_asked)
			state->mode = MODE_MESSAGE;
		state->data_asked = false;
	}
	return taken;
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct state *state = io->state;

	if (side == PROTOCOL_CLIENT && state->mode == MODE_CHUNK && bytes > 0 &&
	    bytes < state->chunk_left) {
		state->chunk_left -= bytes;
		return;
	}
	if (side == PROTOCOL_CLIENT && state->mode == MODE_MESSAGE) {
		state->at = AT_MIDDLE;
		return;
	}
	state->skip[side] = true;
	if (side == PROTOCOL_CLIENT)
		state->mode = MODE_COMMAND;
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	attempt_verdict(io, &state->attempt, PROTOCOL_OUTCOME_UNKNOWN);
	message_end(io, PROTOCOL_PIECE_CUT);
}

const struct protocol_module protocol_smtp = {
	.name = "smtp",
	.title = "SMTP",
	.spec = "RFC 5321, 3030, 3207, 4954",
	.doc = "Logins by AUTH (PLAIN, LOGIN, CRAM-MD5, XOAUTH2), HELO names, envelopes, messages "
	       "as payloads.  Answers as a mail server that refuses every password and takes "
	       "every message; nothing is ever delivered.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_SERVER,
	.tcp_ports = {25, 587, 2525},
	.state_size = sizeof(struct state),
	.client_inbox = LINE,
	.server_inbox = SERVER_LINE,
	.reply_max = 1024,
	.idle_s = 300,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.open = open_session,
	.client = client,
	.server = server,
	.gap = gap,
	.close = close_session,
};
