/*
 * FTP: who logs in with what, which files are asked for and brought.
 *
 * Answers as one FTP server product (persona key ftp.dialogue).  Lets `anonymous` in so that its
 * commands show what it came for, refuses everybody else; after three refusals it hangs up.  There
 * is never a data connection: PASV fails, the address of PORT is recorded and not connected to.
 * Passive: a login's outcome is the server's 230 or 530.  RFC 959, 2228, 2389, 2428.
 */
#include "protocol/attempt.h"
#include "protocol/phrase.h"
#include "protocol/verb.h"

enum {
	EVENT_COMMAND,
	EVENT_TRANSFER,
	EVENT_BOUNCE,
	EVENT_TLS,
};

static const struct protocol_event_name events[] = {
	[EVENT_COMMAND] = {"command", "command line other than USER and PASS"},
	[EVENT_TRANSFER] = {"transfer", "STOR, RETR, APPE or STOU: a file is to be moved"},
	[EVENT_BOUNCE] = {"bounce", "PORT or EPRT names another address than the client's"},
	[EVENT_TLS] = {"tls", "AUTH: TLS is asked for"},
};

enum verb {
	USER, PASS, QUIT, AUTH, FEAT, SYST, NOOP, TYPE, MODE, STRU, OPTS, CLNT, PWD, XPWD, CWD,
	CDUP, PASV, EPSV, PORT, EPRT, LIST, NLST, MLSD, RETR, STOR, STOU, APPE, HELP, SITE, REST,
	ALLO, ACCT, MKD, RMD, DELE, RNFR, RNTO, SIZE, MDTM, STAT, HOST, PBSZ, PROT, ABOR,
};

static const char *const verbs[] = {
	"USER", "PASS", "QUIT", "AUTH", "FEAT", "SYST", "NOOP", "TYPE", "MODE", "STRU", "OPTS",
	"CLNT", "PWD", "XPWD", "CWD", "CDUP", "PASV", "EPSV", "PORT", "EPRT", "LIST", "NLST",
	"MLSD", "RETR", "STOR", "STOU", "APPE", "HELP", "SITE", "REST", "ALLO", "ACCT", "MKD",
	"RMD", "DELE", "RNFR", "RNTO", "SIZE", "MDTM", "STAT", "HOST", "PBSZ", "PROT", "ABOR",
	NULL,
};

/* Lines of ftp.dialogue. */
enum phrase {
	SAY_BANNER, SAY_PASSWORD, SAY_REFUSED, SAY_LOGIN_FIRST, SAY_BYE, SAY_UNKNOWN, SAY_SYSTEM,
	SAY_ACCEPTED, SAY_USER_FIRST, SAY_FEATURES, SAY_NO_TLS, SAY_NO_PASSIVE, SAY_PORT,
	SAY_NO_DATA, SAY_DENIED, SAY_DIRECTORY, SAY_CHANGED, SAY_TYPE, SAY_OK, SAY_NO_FILE,
};

#define DIALOGUE "ftp.dialogue"
#define LINE 512
#define REFUSALS_MAX 3

struct state {
	struct attempt attempt;
	bool skip[2];
	bool has_user;
	bool accepted;
	bool tls_asked;
	bool told_request;
	uint8_t refusals;
};

/* USER and the like are other protocols' words too: only with the server's 220 it is FTP. */
static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const char *const first[] = {"USER", "FEAT", "SYST", "CLNT", "OPTS", "AUTH TLS",
		"AUTH SSL", "HOST", NULL};
	enum protocol_verdict client;
	enum protocol_verdict server;

	if (start->hinted)
		return verb_hinted(start);
	client = verb_probe(start->client, start->client_len, first);
	server = probe_word(start->server, start->server_len, "220");
	return client == PROTOCOL_YES ? server : client == PROTOCOL_NO ? client :
	    server == PROTOCOL_NO ? server : PROTOCOL_MORE;
}

static void say(struct protocol_io *io, enum phrase phrase, struct protocol_text argument)
{
	phrase_reply(io, DIALOGUE, phrase, argument);
}

static void open_session(struct protocol_io *io)
{
	say(io, SAY_BANNER, PROTOCOL_LITERAL(""));
}

static void pass(struct protocol_io *io, struct protocol_text password)
{
	struct state *state = io->state;
	const struct protocol_text user = attempt_user_text(&state->attempt);

	if (!state->has_user && io->answering) {
		say(io, SAY_USER_FIRST, user);
		return;
	}
	attempt_password(io, &state->attempt, password, PROTOCOL_SECRET_PASSWORD, "");
	if (!io->answering)
		return;
	state->accepted = line_is(user, "anonymous") || line_is(user, "ftp");
	attempt_verdict(io, &state->attempt,
	    state->accepted ? PROTOCOL_ACCEPTED : PROTOCOL_REFUSED);
	say(io, state->accepted ? SAY_ACCEPTED : SAY_REFUSED, user);
	if (state->accepted)
		return;
	state->has_user = false;
	io->hang_up = ++state->refusals >= REFUSALS_MAX;
}

/* PORT h1,h2,h3,h4,p1,p2: another host than the client is to be connected to. */
static bool is_bounce(const struct protocol_io *io, struct protocol_text argument)
{
	uint32_t addr = 0;
	unsigned octet = 0;
	unsigned octets = 0;

	argument = line_trim(argument);
	for (size_t i = 0; i < argument.len && octets < 4; i++) {
		char c = argument.data[i];

		if (c >= '0' && c <= '9' && octet < 256) {
			octet = octet * 10 + (unsigned)(c - '0');
		} else if (c == ',' && octet < 256) {
			addr = addr << 8 | octet;
			octet = 0;
			octets++;
		} else {
			return false;
		}
	}
	return octets == 4 && ip_is_v4(io->client) && addr != ip_v4(io->client);
}

static enum phrase answer_to(const struct state *state, unsigned verb)
{
	switch (verb) {
	case QUIT: return SAY_BYE;
	case FEAT: return SAY_FEATURES;
	case AUTH: return SAY_NO_TLS;
	case SYST: return SAY_SYSTEM;
	case NOOP: case OPTS: case CLNT: return SAY_OK;
	default: break;
	}
	if (!state->accepted)
		return SAY_LOGIN_FIRST;
	switch (verb) {
	case TYPE: case MODE: case STRU: return SAY_TYPE;
	case PWD: case XPWD: return SAY_DIRECTORY;
	case CWD: case CDUP: return SAY_CHANGED;
	case PASV: case EPSV: return SAY_NO_PASSIVE;
	case PORT: case EPRT: return SAY_PORT;
	case LIST:
	case NLST:
	case MLSD:
	case RETR:
	case STOR:
	case STOU:
	case APPE:
		return SAY_NO_DATA;
	case MKD: case RMD: case DELE: case RNFR: case RNTO: return SAY_DENIED;
	case SIZE: case MDTM: return SAY_NO_FILE;
	case REST: case ALLO: case STAT: case ABOR: case SITE: case HELP: return SAY_OK;
	default: return SAY_UNKNOWN;
	}
}

static void command(struct protocol_io *io, struct protocol_text line, unsigned verb,
    struct protocol_text argument)
{
	struct state *state = io->state;

	protocol_event(io, EVENT_COMMAND);
	protocol_command(io, line.data, line.len);
	if (verb == CLNT && argument.len)
		protocol_attribute(io, PROTOCOL_SOFTWARE, argument.data, argument.len);
	if (verb == RETR || verb == STOR || verb == STOU || verb == APPE)
		protocol_event(io, EVENT_TRANSFER);
	if (verb == PORT && is_bounce(io, argument))
		protocol_event(io, EVENT_BOUNCE);
	if (verb == AUTH) {
		protocol_event(io, EVENT_TLS);
		state->tls_asked = true;
	}
	if (!io->answering)
		return;
	say(io, verb == VERB_NONE ? state->accepted ? SAY_UNKNOWN : SAY_LOGIN_FIRST
	                          : answer_to(state, verb),
	    argument);
	io->hang_up = verb == QUIT;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line;
	struct protocol_text argument;
	size_t taken = verb_line(io, &state->skip[PROTOCOL_CLIENT], data, len, &line);
	unsigned verb;

	if (taken == 0 || !line.data || line.len == 0)
		return taken;
	argument = line;
	verb = verb_find(line_word(&argument), verbs);
	if (argument.len > 0) { /* one blank stands between; more belong to a password */
		argument.data++;
		argument.len--;
	}
	if (!state->told_request && verb != PASS) {
		state->told_request = true;
		protocol_attribute(io, PROTOCOL_REQUEST, line.data, line.len);
	}
	if (verb == USER) {
		attempt_user(io, &state->attempt, argument);
		state->has_user = true;
		say(io, SAY_PASSWORD, argument);
	} else if (verb == PASS) {
		pass(io, argument);
	} else {
		command(io, line, verb, argument);
	}
	return taken;
}

/* Replies decide about the login, or about TLS; those of other commands mean nothing here. */
static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line;
	size_t taken = verb_line(io, &state->skip[PROTOCOL_SERVER], data, len, &line);

	if (taken == 0 || !line.data)
		return taken;
	if (line_begins(line, "230") || line_begins(line, "232"))
		attempt_verdict(io, &state->attempt, PROTOCOL_ACCEPTED);
	else if (line_begins(line, "530") || line_begins(line, "421") || line_begins(line, "430"))
		attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
	else if (line_begins(line, "234") && state->tls_asked)
		io->handover = true;
	else if (line_begins(line, "5"))
		state->tls_asked = false;
	return taken;
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct state *state = io->state;

	(void)bytes;
	state->skip[side] = true;
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	attempt_verdict(io, &state->attempt, PROTOCOL_OUTCOME_UNKNOWN);
}

const struct protocol_module protocol_ftp = {
	.name = "ftp",
	.title = "FTP",
	.spec = "RFC 959, 2228, 2389, 2428",
	.doc = "Logins, command lines, files asked for and brought, PORT to other hosts.  Answers "
	       "as an FTP server that lets only `anonymous` in and never opens a data connection.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_SERVER,
	.tcp_ports = {21, 2121},
	.state_size = sizeof(struct state),
	.client_inbox = LINE,
	.server_inbox = LINE,
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
