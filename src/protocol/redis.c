/*
 * Redis: commands with their arguments, AUTH as a login, long values as payloads.
 *
 * Two profiles, a choice of the persona (redis.profile): `open` obeys everything, so that visitors
 * who plant cron jobs and SSH keys show them; `locked` asks for a password, so that those who try
 * passwords do.  Nothing is kept of what they set.  Passive: AUTH's outcome is the server's reply,
 * which is found by counting replies.  Redis serialization protocol (RESP2), inline commands.
 */
#include "base/rd.h"
#include "protocol/attempt.h"
#include "protocol/line.h"
#include "protocol/phrase.h"
#include "protocol/verb.h"

#include <stdio.h>

enum {
	EVENT_COMMAND,
	EVENT_AUTH,
	EVENT_WRITE,
	EVENT_CONFIG,
	EVENT_REPLICATE,
	EVENT_MODULE,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_COMMAND] = {"command", "one command"},
	[EVENT_AUTH] = {"auth", "AUTH, or HELLO with AUTH"},
	[EVENT_WRITE] = {"write", "SET and its like"},
	[EVENT_CONFIG] = {"config", "CONFIG SET: where the dump is written"},
	[EVENT_REPLICATE] = {"replicate", "SLAVEOF or REPLICAOF: a foreign master is to be copied"},
	[EVENT_MODULE] = {"module", "MODULE LOAD, EVAL or SYSTEM.EXEC: code is to be run"},
	[EVENT_MALFORMED] = {"malformed", "neither RESP nor text"},
};

enum verb {
	AUTH, HELLO, PING, ECHO_, INFO, COMMAND, CONFIG, SET, SETEX, MSET, GET, KEYS, DBSIZE,
	SELECT, FLUSHALL, FLUSHDB, SAVE, BGSAVE, SLAVEOF, REPLICAOF, MODULE, EVAL, SYSTEM_EXEC,
	CLIENT, QUIT, DEL, EXISTS, TYPE, SCAN,
};

static const char *const verbs[] = {
	"AUTH", "HELLO", "PING", "ECHO", "INFO", "COMMAND", "CONFIG", "SET", "SETEX", "MSET", "GET",
	"KEYS", "DBSIZE", "SELECT", "FLUSHALL", "FLUSHDB", "SAVE", "BGSAVE", "SLAVEOF", "REPLICAOF",
	"MODULE", "EVAL", "SYSTEM.EXEC", "CLIENT", "QUIT", "DEL", "EXISTS", "TYPE", "SCAN", NULL,
};

#define LINE 512             /* an inline command, or a length */
#define SERVER_LINE 64       /* of replies only the beginning matters */
#define TEXT 640             /* a command as it is told; longer ones are cut */
#define ARGUMENTS_TOLD 5     /* whose places in the text are remembered */
#define ARGUMENTS_MAX 1048576 /* real servers' limit */
#define PAYLOAD_MIN 128      /* longer arguments are payloads as well */
#define REFUSALS_MAX 10

struct state {
	struct attempt attempt;
	uint64_t bulk_left;       /* bytes of the argument that are still to come */
	uint64_t server_skip;     /* bytes of the server's bulk that are still to come */
	uint32_t arguments_left;  /* of the array */
	uint32_t arguments;       /* so far */
	uint32_t asked;           /* passive: commands without a reply yet */
	uint32_t auth_asked;      /* which of them is AUTH: 0 none, 1 the next to be answered */
	uint32_t server_items;    /* of the reply at hand, still to come */
	uint16_t text_len;
	uint16_t begin[ARGUMENTS_TOLD];
	uint16_t end[ARGUMENTS_TOLD];
	bool skip[2];
	bool in_bulk;    /* including the line end behind it */
	bool is_payload; /* this argument is told as one */
	uint8_t end_left; /* of that line end */
	uint8_t refusals;
	char text[TEXT];
};

static bool is_locked(const struct protocol_io *io)
{
	return strcmp(protocol_persona(io, "redis.profile"), "locked") == 0;
}

/* "*3\r\n$": nobody else begins like that; inline commands only where Redis' own words stand. */
static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const char *const words[] = {"CONFIG", "SLAVEOF", "REPLICAOF", "FLUSHALL", "FLUSHDB",
		"INFO", "BGSAVE", "DBSIZE", "PING", NULL};
	const uint8_t *p = start->client;
	size_t at = 1;

	if (start->hinted)
		return verb_hinted(start);
	if (start->client_len == 0)
		return PROTOCOL_MORE;
	if (p[0] != '*')
		return verb_probe(p, start->client_len, words);
	while (at < start->client_len && at < 8 && p[at] >= '0' && p[at] <= '9')
		at++;
	if (at == start->client_len)
		return PROTOCOL_MORE;
	return at > 1 ? probe_bytes(p + at, start->client_len - at, "\r\n$", 3) : PROTOCOL_NO;
}

/* ---- the command -------------------------------------------------------------------------- */

static struct protocol_text argument(const struct state *state, unsigned i)
{
	if (i >= ARGUMENTS_TOLD || i >= state->arguments)
		return PROTOCOL_LITERAL("");
	return (struct protocol_text){state->text + state->begin[i],
		(size_t)(state->end[i] - state->begin[i])};
}

/* A payload's name: the command, once it is known. */
static struct protocol_text payload_name(const struct state *state)
{
	return state->arguments > 1 ? argument(state, 0) : PROTOCOL_LITERAL("");
}

static void tell_kind(struct protocol_io *io, unsigned verb)
{
	const struct state *state = io->state;

	switch (verb) {
	case SET:
	case SETEX:
	case MSET:
		protocol_event(io, EVENT_WRITE);
		break;
	case CONFIG:
		if (line_is(argument(state, 1), "SET"))
			protocol_event(io, EVENT_CONFIG);
		break;
	case SLAVEOF:
	case REPLICAOF:
		if (!line_is(argument(state, 1), "NO"))
			protocol_event(io, EVENT_REPLICATE);
		break;
	case MODULE:
	case EVAL:
	case SYSTEM_EXEC:
		protocol_event(io, EVENT_MODULE);
		break;
	default:
		break;
	}
}

static void answer_info(struct protocol_io *io)
{
	const struct protocol_text version = phrase_line(io, "redis.server", 0);
	const struct protocol_text os = phrase_line(io, "redis.server", 1);
	char text[512];
	int n = snprintf(text, sizeof(text),
	    "# Server\r\nredis_version:%.*s\r\nredis_mode:standalone\r\nos:%.*s\r\narch_bits:64\r\n"
	    "multiplexing_api:%s\r\nprocess_id:%u\r\ntcp_port:%u\r\n\r\n# Clients\r\n"
	    "connected_clients:1\r\n\r\n# Replication\r\nrole:master\r\nconnected_slaves:0\r\n\r\n"
	    "# Keyspace\r\n", (int)version.len, version.data, (int)os.len, os.data,
	    line_begins(os, "Windows") ? "WinSock_IOCP" : "epoll",
	    (unsigned)(protocol_random(io) % 30000 + 400), io->port);

	if (n > 0 && (size_t)n < sizeof(text))
		protocol_replyf(io, "$%d\r\n%s\r\n", n, text);
}

static void answer_unknown(struct protocol_io *io, struct protocol_text word)
{
	char name[65];
	size_t n = word.len < sizeof(name) - 1 ? word.len : sizeof(name) - 1;

	for (size_t i = 0; i < n; i++)
		name[i] = word.data[i] > ' ' && word.data[i] < 0x7f ? word.data[i] : ' ';
	name[n] = '\0';
	protocol_replyf(io, "-ERR unknown command `%s`, with args beginning with: \r\n", name);
}

static void answer(struct protocol_io *io, unsigned verb)
{
	const struct state *state = io->state;
	const struct protocol_text first = argument(state, 1);

	/* A web browser's GET.  The number of arguments is looked at before the password is. */
	if (verb == GET && state->arguments != 2) {
		protocol_reply_text(io, "-ERR wrong number of arguments for 'get' command\r\n");
		return;
	}
	if (is_locked(io) && verb != QUIT && verb != HELLO) {
		protocol_reply_text(io, "-NOAUTH Authentication required.\r\n");
		return;
	}
	switch (verb) {
	case PING:
	case ECHO_:
		if (state->arguments < 2) {
			protocol_reply_text(io, "+PONG\r\n");
			break;
		}
		protocol_replyf(io, "$%zu\r\n", first.len);
		protocol_reply(io, first.data, first.len);
		protocol_reply_text(io, "\r\n");
		break;
	case INFO:
		answer_info(io);
		break;
	case COMMAND:
	case KEYS:
		protocol_reply_text(io, "*0\r\n");
		break;
	case CONFIG:
		protocol_reply_text(io, line_is(first, "GET") ? "*0\r\n" : "+OK\r\n");
		break;
	case GET:
		protocol_reply_text(io, "$-1\r\n");
		break;
	case SCAN:
		protocol_reply_text(io, "*2\r\n$1\r\n0\r\n*0\r\n");
		break;
	case DBSIZE:
	case DEL:
	case EXISTS:
		protocol_reply_text(io, ":0\r\n");
		break;
	case TYPE:
		protocol_reply_text(io, "+none\r\n");
		break;
	case BGSAVE:
		protocol_reply_text(io, "+Background saving started\r\n");
		break;
	case MODULE:
		protocol_reply_text(
		    io, "-ERR Error loading the extension. Please check the server logs.\r\n");
		break;
	case EVAL:
		protocol_reply_text(io, "-ERR Error compiling script (new function)\r\n");
		break;
	case SET: case SETEX: case MSET: case SELECT: case FLUSHALL: case FLUSHDB: case SAVE:
	case SLAVEOF: case REPLICAOF: case CLIENT: case QUIT:
		protocol_reply_text(io, "+OK\r\n");
		break;
	default:
		answer_unknown(io, argument(state, 0));
		break;
	}
}

/*
 * Another protocol's first lines, each a command to this server: a web browser's GET lacks an
 * argument; POST and Host: are what a browser sends that is abused, and end the connection.  What
 * has no line end is waited for.
 */
static void stranger(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct protocol_text line, rest, word;
	size_t taken;

	while (!io->hang_up && (taken = line_take(io, data, len, &line)) > 0) {
		data += taken;
		len -= taken;
		rest = line;
		word = line_word(&rest);
		if (line_is(word, "POST") || line_is(word, "Host:"))
			io->hang_up = true;
		else if (line_is(word, "GET"))
			protocol_reply_text(
			    io, "-ERR wrong number of arguments for 'get' command\r\n");
		else if (word.len > 0)
			answer_unknown(io, word);
	}
}

/* AUTH [user] password, HELLO version AUTH user password */
static void auth(struct protocol_io *io, unsigned verb)
{
	struct state *state = io->state;
	const unsigned password = verb == HELLO ? 4 : state->arguments > 2 ? 2 : 1;

	protocol_event(io, EVENT_AUTH);
	attempt_user(io, &state->attempt,
	    password > 1 ? argument(state, password - 1) : PROTOCOL_LITERAL(""));
	attempt_password(
	    io, &state->attempt, argument(state, password), PROTOCOL_SECRET_PASSWORD, "");
	if (!io->answering) {
		state->auth_asked = state->asked;
		return;
	}
	attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
	if (!is_locked(io)) {
		protocol_reply_text(io, "-ERR Client sent AUTH, but no password is set\r\n");
		return;
	}
	protocol_replyf(io, "%s\r\n", protocol_persona(io, "redis.refused"));
	io->hang_up = ++state->refusals >= REFUSALS_MAX;
}

/* A command is whole. */
static void command(struct protocol_io *io)
{
	struct state *state = io->state;
	const unsigned verb = verb_find(argument(state, 0), verbs);

	state->asked++;
	if ((verb == AUTH && state->arguments > 1) ||
	    (verb == HELLO && line_is(argument(state, 2), "AUTH"))) {
		auth(io, verb);
	} else {
		protocol_event(io, EVENT_COMMAND);
		protocol_command(io, state->text, state->text_len);
		tell_kind(io, verb);
		if (io->answering)
			answer(io, verb);
		io->hang_up |= verb == QUIT;
	}
	state->arguments = 0;
	state->text_len = 0;
}

/* ---- gathering it --------------------------------------------------------------------------- */

static void begin_argument(struct state *state)
{
	if (state->arguments > 0 && state->text_len < TEXT)
		state->text[state->text_len++] = ' ';
	if (state->arguments < ARGUMENTS_TOLD)
		state->begin[state->arguments] = state->end[state->arguments] = state->text_len;
	state->arguments++;
}

static void put_bytes(struct state *state, const void *data, size_t len)
{
	size_t space = (size_t)(TEXT - state->text_len);
	size_t n = len < space ? len : space;

	if (n)
		memcpy(state->text + state->text_len, data, n);
	state->text_len = (uint16_t)(state->text_len + n);
	if (state->arguments >= 1 && state->arguments <= ARGUMENTS_TOLD)
		state->end[state->arguments - 1] = state->text_len;
}

/* Decimal digits behind a line's first character; false when there is anything else. */
static bool take_number(struct protocol_text line, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (line.len < 2 || line.len > 12)
		return false;
	for (size_t i = 1; i < line.len; i++) {
		if (line.data[i] < '0' || line.data[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(line.data[i] - '0');
	}
	*ret = value;
	return value <= max;
}

static void protocol_error(struct protocol_io *io, const char *text)
{
	protocol_event(io, EVENT_MALFORMED);
	protocol_replyf(io, "-ERR Protocol error: %s\r\n", text);
	io->hang_up = true;
}

static void end_argument(struct protocol_io *io)
{
	struct state *state = io->state;

	if (state->is_payload)
		protocol_payload_end(io, 0, payload_name(state), PROTOCOL_PIECE_END);
	state->is_payload = false;
	state->in_bulk = false;
	if (--state->arguments_left == 0)
		command(io);
}

/* The bytes of an argument, then its line end. */
static size_t bulk(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t n = len < state->bulk_left ? len : (size_t)state->bulk_left;

	if (state->bulk_left == 0) {
		n = len < state->end_left ? len : state->end_left;
		state->end_left = (uint8_t)(state->end_left - n);
		if (state->end_left == 0)
			end_argument(io);
		return n;
	}
	put_bytes(state, data, n);
	if (state->is_payload)
		protocol_payload(io, 0, payload_name(state), data, n);
	state->bulk_left -= n;
	return n;
}

/* The words of an inline command; quotes keep blanks together. */
static void inline_command(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	size_t i = 0;

	while (i < line.len) {
		char quote = 0;

		while (i < line.len && (line.data[i] == ' ' || line.data[i] == '\t'))
			i++;
		if (i == line.len)
			break;
		begin_argument(state);
		while (i < line.len && (quote || (line.data[i] != ' ' && line.data[i] != '\t'))) {
			if (quote ? line.data[i] == quote
			          : line.data[i] == '"' || line.data[i] == '\'')
				quote = quote ? 0 : line.data[i];
			else
				put_bytes(state, line.data + i, 1);
			i++;
		}
	}
	if (state->arguments > 0)
		command(io);
}

static void header(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	uint64_t number;

	if (state->arguments_left > 0) {
		if (line.len == 0 || line.data[0] != '$' ||
		    !take_number(line, UINT32_MAX, &number)) {
			state->arguments_left = 0;
			state->arguments = 0;
			state->text_len = 0;
			protocol_error(io, "expected '$'");
			return;
		}
		begin_argument(state);
		state->in_bulk = true;
		state->bulk_left = number;
		state->end_left = 2;
		state->is_payload = number >= PAYLOAD_MIN;
		return;
	}
	if (line.len > 0 && line.data[0] == '*') {
		if (line.len == 2 && line.data[1] == '0')
			return;
		if (!take_number(line, ARGUMENTS_MAX, &number)) {
			protocol_error(io, "invalid multibulk length");
			return;
		}
		state->arguments_left = (uint32_t)number;
		return;
	}
	inline_command(io, line);
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line;
	size_t taken;

	if (state->in_bulk)
		return bulk(io, data, len);
	taken = verb_line(io, &state->skip[PROTOCOL_CLIENT], data, len, &line);
	if (taken > 0 && line.data)
		header(io, line);
	return taken;
}

/* ---- passive: the server's replies are counted ---------------------------------------------- */

static void reply_item(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	uint64_t number;

	if (state->server_items == 0) {
		state->server_items = 1;
		if (state->asked > 0)
			state->asked--;
		if (state->auth_asked > 0 && --state->auth_asked == 0)
			attempt_verdict(io, &state->attempt,
			    line.data[0] == '-' ? PROTOCOL_REFUSED : PROTOCOL_ACCEPTED);
	}
	state->server_items--;
	if ((line.data[0] == '*' || line.data[0] == '%') &&
	    take_number(line, ARGUMENTS_MAX, &number))
		state->server_items += (uint32_t)(line.data[0] == '%' ? 2 * number : number);
	if (line.data[0] == '$' && take_number(line, UINT32_MAX, &number))
		state->server_skip = number + 2;
}

static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line;
	size_t taken;

	if (state->server_skip > 0) {
		taken = len < state->server_skip ? len : (size_t)state->server_skip;
		state->server_skip -= taken;
		return taken;
	}
	taken = verb_line(io, &state->skip[PROTOCOL_SERVER], data, len, &line);
	if (taken > 0 && line.data && line.len > 0)
		reply_item(io, line);
	return taken;
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct state *state = io->state;

	if (side == PROTOCOL_CLIENT && state->in_bulk && bytes > 0 && bytes < state->bulk_left) {
		state->bulk_left -= bytes;
		return;
	}
	if (side == PROTOCOL_SERVER && bytes > 0 && bytes < state->server_skip) {
		state->server_skip -= bytes;
		return;
	}
	state->skip[side] = true;
	if (side == PROTOCOL_SERVER) {
		state->server_skip = 0;
		state->server_items = 0;
		return;
	}
	if (state->is_payload)
		protocol_payload_end(io, 0, payload_name(state), PROTOCOL_PIECE_CUT);
	state->is_payload = false;
	state->in_bulk = false;
	state->arguments_left = 0;
	state->arguments = 0;
	state->text_len = 0;
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	attempt_verdict(io, &state->attempt, PROTOCOL_OUTCOME_UNKNOWN);
	if (state->is_payload)
		protocol_payload_end(io, 0, payload_name(state), PROTOCOL_PIECE_CUT);
}

const struct protocol_module protocol_redis = {
	.name = "redis",
	.title = "Redis",
	.spec = "Redis serialization protocol (RESP2) and inline commands",
	.doc = "Commands verbatim, AUTH as logins (the user may be empty), long values as "
	       "payloads.  Answers, by the persona's choice, as an open server that obeys or as a "
	       "locked one.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {6379, 6380},
	.state_size = sizeof(struct state),
	.client_inbox = LINE,
	.server_inbox = SERVER_LINE,
	.reply_max = 1024,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.server = server,
	.gap = gap,
	.close = close_session,
	.stranger = stranger,
};
