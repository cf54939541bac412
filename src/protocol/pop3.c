/*
 * POP3: who tries which mailbox with what password.
 *
 * Refuses every login as one product does (persona key pop3.dialogue).  Passive: the outcome is the
 * server's next +OK or -ERR after the login.  APOP's digest is recorded with its challenge, in the
 * form of hashcat mode 20 (digest:salt).  RFC 1939, 2449, 2595, 5034.
 */
#include "protocol/phrase.h"
#include "protocol/sasl.h"
#include "protocol/verb.h"

#include <stdio.h>

enum {
	EVENT_COMMAND,
	EVENT_AUTH,
	EVENT_TLS,
};

static const struct protocol_event_name events[] = {
	[EVENT_COMMAND] = {"command", "command line without credentials"},
	[EVENT_AUTH] = {"auth", "AUTH: a SASL exchange begins"},
	[EVENT_TLS] = {"tls", "STLS: TLS is asked for"},
};

enum verb { USER, PASS, APOP, AUTH, CAPA, STLS, QUIT, NOOP };

static const char *const verbs[] = {"USER", "PASS", "APOP", "AUTH", "CAPA", "STLS", "QUIT", "NOOP",
	NULL};

/* Lines of pop3.dialogue. */
enum phrase {
	SAY_BANNER, SAY_PASSWORD, SAY_REFUSED, SAY_BYE, SAY_UNKNOWN, SAY_CAPABILITIES, SAY_NO_TLS,
	SAY_MECHANISMS, SAY_BAD_MECHANISM, SAY_USER_FIRST,
};

#define DIALOGUE "pop3.dialogue"
#define LINE 1024       /* NTLM's last message fits */
#define SERVER_LINE 192 /* what follows in a line is passed over */
#define CHALLENGE_MAX 96
#define REFUSALS_MAX 5

struct state {
	struct attempt attempt;
	struct sasl sasl;
	bool skip[2];
	bool in_sasl;
	bool has_user;
	bool greeted;
	bool tls_asked;
	uint8_t refusals;
	uint8_t challenge_len;
	char challenge[CHALLENGE_MAX]; /* the banner's <time@host> */
};

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const char *const sure[] = {"CAPA", "APOP", "STLS", NULL};
	static const char *const shared[] = {"USER", "AUTH", "QUIT", "NOOP", NULL};
	enum protocol_verdict client;
	enum protocol_verdict server;

	if (start->hinted)
		return verb_hinted(start);
	client = verb_probe(start->client, start->client_len, sure);
	if (client != PROTOCOL_NO)
		return client;
	client = verb_probe(start->client, start->client_len, shared);
	server = probe_word(start->server, start->server_len, "+OK");
	return client == PROTOCOL_YES ? server : client == PROTOCOL_NO ? client :
	    server == PROTOCOL_NO ? server : PROTOCOL_MORE;
}

static void say(struct protocol_io *io, enum phrase phrase)
{
	phrase_reply(io, DIALOGUE, phrase, PROTOCOL_LITERAL(""));
}

static void open_session(struct protocol_io *io)
{
	say(io, SAY_BANNER);
}

/* The login is complete; when answering, it is refused. */
static void complete(struct protocol_io *io)
{
	struct state *state = io->state;

	state->in_sasl = false;
	if (!io->answering)
		return;
	attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
	say(io, SAY_REFUSED);
	state->has_user = false;
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
		say(io, SAY_REFUSED);
		break;
	}
}

static void auth(struct protocol_io *io, struct protocol_text argument)
{
	struct state *state = io->state;
	struct protocol_text mechanism = line_word(&argument);
	char prompt[SASL_PROMPT_MAX];

	protocol_event(io, EVENT_AUTH);
	if (mechanism.len == 0) {
		say(io, SAY_MECHANISMS);
		return;
	}
	if (sasl_begin(io, &state->sasl, mechanism, "persona.hostname") == SASL_UNKNOWN) {
		say(io, SAY_BAD_MECHANISM);
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

/* APOP user digest */
static void apop(struct protocol_io *io, struct protocol_text argument)
{
	struct state *state = io->state;
	const struct protocol_text user = line_word(&argument);
	const struct protocol_text digest = line_word(&argument);
	char hash[ATTEMPT_PASSWORD_MAX];
	int n = snprintf(hash, sizeof(hash), "%.*s:%.*s", (int)(digest.len < 64 ? digest.len : 64),
	    digest.data, (int)state->challenge_len, state->challenge);

	if (n < 0)
		n = 0;
	attempt_user(io, &state->attempt, user);
	attempt_password(io, &state->attempt, (struct protocol_text){hash, (size_t)n},
	    PROTOCOL_SECRET_HASH, "APOP");
	complete(io);
}

static void command(struct protocol_io *io, struct protocol_text line, unsigned verb)
{
	struct state *state = io->state;

	protocol_event(io, EVENT_COMMAND);
	protocol_command(io, line.data, line.len);
	switch (verb) {
	case CAPA:
		say(io, SAY_CAPABILITIES);
		break;
	case STLS:
		protocol_event(io, EVENT_TLS);
		state->tls_asked = true;
		say(io, SAY_NO_TLS);
		break;
	case QUIT:
		say(io, SAY_BYE);
		io->hang_up = true;
		break;
	default:
		say(io, SAY_UNKNOWN);
		break;
	}
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line;
	struct protocol_text argument;
	size_t taken = verb_line(io, &state->skip[PROTOCOL_CLIENT], data, len, &line);
	unsigned verb;

	if (taken == 0 || !line.data)
		return taken;
	if (state->in_sasl) {
		sasl_line(io, line);
		return taken;
	}
	if (line.len == 0)
		return taken;
	argument = line;
	verb = verb_find(line_word(&argument), verbs);
	if (argument.len > 0) { /* one blank stands between; more belong to a password */
		argument.data++;
		argument.len--;
	}
	if (verb == USER) {
		attempt_user(io, &state->attempt, argument);
		state->has_user = true;
		say(io, SAY_PASSWORD);
	} else if (verb == PASS && io->answering && !state->has_user) {
		say(io, SAY_USER_FIRST);
	} else if (verb == PASS) {
		attempt_password(io, &state->attempt, argument, PROTOCOL_SECRET_PASSWORD, "");
		complete(io);
	} else if (verb == APOP) {
		apop(io, argument);
	} else if (verb == AUTH) {
		auth(io, argument);
	} else {
		command(io, line, verb);
	}
	return taken;
}

/* The banner's challenge of APOP (RFC 1939, 7). */
static void greeting(struct state *state, struct protocol_text line)
{
	const char *from = memchr(line.data, '<', line.len);
	const char *to = from ? memchr(from, '>', line.len - (size_t)(from - line.data)) : NULL;

	state->greeted = true;
	if (!to || (size_t)(to - from) + 1 > sizeof(state->challenge))
		return;
	state->challenge_len = (uint8_t)(to - from + 1);
	memcpy(state->challenge, from, state->challenge_len);
}

static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line;
	size_t taken = verb_line(io, &state->skip[PROTOCOL_SERVER], data, len, &line);

	if (taken == 0 || !line.data || line.len == 0)
		return taken;
	if (line_begins(line, "+OK")) {
		if (!state->greeted)
			greeting(state, line);
		attempt_verdict(io, &state->attempt, PROTOCOL_ACCEPTED);
		io->handover = state->tls_asked;
	} else if (line_begins(line, "-ERR")) {
		attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
		state->in_sasl = false;
		state->tls_asked = false;
	} else if (line_begins(line, "+ ") && state->in_sasl) {
		sasl_server(&state->sasl, (struct protocol_text){line.data + 2, line.len - 2});
	}
	return taken;
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct state *state = io->state;

	(void)bytes;
	state->skip[side] = true;
	state->in_sasl = false;
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	attempt_verdict(io, &state->attempt, PROTOCOL_OUTCOME_UNKNOWN);
}

const struct protocol_module protocol_pop3 = {
	.name = "pop3",
	.title = "POP3",
	.spec = "RFC 1939, 2449, 2595, 5034",
	.doc = "Logins by USER/PASS, APOP and SASL (PLAIN, LOGIN, CRAM-MD5, XOAUTH2).  Answers as "
	       "a mail server that refuses every password.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_SERVER,
	.tcp_ports = {110},
	.state_size = sizeof(struct state),
	.client_inbox = LINE,
	.server_inbox = SERVER_LINE,
	.reply_max = 1024,
	.idle_s = 120,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.open = open_session,
	.client = client,
	.server = server,
	.gap = gap,
	.close = close_session,
};
