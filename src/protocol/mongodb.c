/*
 * MongoDB: commands with what they carry, SCRAM users.
 *
 * Answers as an open server with nothing in it, so that those who list, drop and leave ransom notes
 * do so.  A command is told as `DATABASE {document}`, the document rendered as bson.h does.  SCRAM
 * exchanges are refused after the proof, which is told as the login's hash: the server's challenge,
 * a blank, the client's final message.  MongoDB wire protocol (OP_QUERY, OP_MSG), RFC 5802, 7677.
 */
#include "base/rd.h"
#include "protocol/attempt.h"
#include "protocol/bson.h"
#include "protocol/encoding.h"
#include "protocol/line.h"

#include <stdio.h>

enum {
	EVENT_COMMAND,
	EVENT_HELLO,
	EVENT_AUTH,
	EVENT_LIST,
	EVENT_WRITE,
	EVENT_DROP,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_COMMAND] = {"command", "one command"},
	[EVENT_HELLO] = {"hello", "hello or isMaster"},
	[EVENT_AUTH] = {"auth", "saslStart: a login begins"},
	[EVENT_LIST] = {"list", "listDatabases or listCollections"},
	[EVENT_WRITE] = {"write", "insert or update"},
	[EVENT_DROP] = {"drop", "drop, dropDatabase or delete"},
	[EVENT_MALFORMED] = {"malformed", "message that contradicts the protocol"},
};

enum { OP_REPLY = 1, OP_INSERT = 2002, OP_QUERY = 2004, OP_MSG = 2013 };

#define HEADER 16
#define MESSAGE_MAX 48000000u
#define INBOX 1024
#define FLAG_CHECKSUM 1u
#define FLAG_MORE_TO_COME 2u
#define NONCE_MAX 64
#define FIRST_MAX 96 /* SCRAM's first message of the server */
#define ITERATIONS 15000

struct state {
	struct attempt attempt;
	uint32_t skip;
	uint8_t first_len;
	char first[FIRST_MAX];
	char method[16];
};

struct request {
	uint32_t id;
	bool is_msg;
	struct rd document;
	struct protocol_text database;
	struct protocol_text command; /* the document's first key */
};

static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *p = start->client;
	size_t len = start->client_len;

	if (start->hinted)
		return len == 0 || (len > 3 && p[3] == 0) ? PROTOCOL_YES
		    : len > 3 ? PROTOCOL_NO : PROTOCOL_MORE;
	if (len == 0)
		return PROTOCOL_MORE;
	if (len > 3 && (p[3] > 2 || (p[3] == 0 && p[2] == 0 && p[1] == 0 && p[0] < HEADER)))
		return PROTOCOL_NO;
	if (len > 12 && p[12] != (OP_QUERY & 0xff) && p[12] != (OP_MSG & 0xff))
		return PROTOCOL_NO;
	if (len > 13 && p[13] != OP_QUERY >> 8)
		return PROTOCOL_NO;
	if (len > 15 && (p[14] || p[15]))
		return PROTOCOL_NO;
	return len < HEADER ? PROTOCOL_MORE : PROTOCOL_YES;
}

/* ---- replies -------------------------------------------------------------------------------- */

/* Puts the document into the frame that the request's kind asks for. */
static void send_document(struct protocol_io *io, const struct request *request,
    struct bson_writer *document)
{
	uint8_t packet[1024];
	struct wr w = wr_init(packet, sizeof(packet));
	const size_t len = bson_end(document);
	const size_t head = request->is_msg ? HEADER + 5 : HEADER + 20;

	if (len == 0)
		return;
	wr_u32le(&w, (uint32_t)(head + len));
	wr_u32le(&w, (uint32_t)protocol_random(io) & 0x7fffffff);
	wr_u32le(&w, request->id);
	wr_u32le(&w, request->is_msg ? OP_MSG : OP_REPLY);
	if (request->is_msg) {
		wr_u32le(&w, 0);
		wr_u8(&w, 0);
	} else {
		wr_u32le(&w, 8); /* AwaitCapable */
		wr_u64le(&w, 0);
		wr_u32le(&w, 0);
		wr_u32le(&w, 1);
	}
	wr_bytes(&w, document->bytes, len);
	if (!w.bad)
		protocol_reply(io, packet, wr_len(&w));
}

static void put_hello(struct protocol_io *io, struct bson_writer *b, bool old)
{
	bson_bool(b, old ? "ismaster" : "isWritablePrimary", true);
	bson_int32(b, "maxBsonObjectSize", 16777216);
	bson_int32(b, "maxMessageSizeBytes", 48000000);
	bson_int32(b, "maxWriteBatchSize", 100000);
	bson_date(b, "localTime", io->now_us / 1000);
	bson_int32(b, "logicalSessionTimeoutMinutes", 30);
	bson_int32(b, "connectionId", (int32_t)(protocol_random(io) % 9000 + 20));
	bson_int32(b, "minWireVersion", 0);
	bson_int32(b, "maxWireVersion", 8);
	bson_bool(b, "readOnly", false);
}

static void put_databases(struct bson_writer *b)
{
	static const char *const names[] = {"admin", "config", "local"};
	static const char *const numbers[] = {"0", "1", "2"};

	bson_open(b, BSON_ARRAY, "databases");
	for (unsigned i = 0; i < 3; i++) {
		bson_open(b, BSON_DOCUMENT, numbers[i]);
		bson_text(b, "name", names[i]);
		bson_double(b, "sizeOnDisk", 40960.0 + 32768.0 * i);
		bson_bool(b, "empty", false);
		bson_shut(b);
	}
	bson_shut(b);
	bson_double(b, "totalSize", 221184.0);
}

static void put_cursor(struct bson_writer *b, const struct request *request, const char *tail)
{
	char name[96];

	(void)snprintf(name, sizeof(name), "%.*s%s",
	    (int)(request->database.len < 60 ? request->database.len : 60), request->database.data,
	    tail);
	bson_open(b, BSON_DOCUMENT, "cursor");
	bson_open(b, BSON_ARRAY, "firstBatch");
	bson_shut(b);
	bson_int64(b, "id", 0);
	bson_text(b, "ns", name);
	bson_shut(b);
}

static void put_error(struct bson_writer *b, const char *text, int32_t code, const char *name)
{
	bson_double(b, "ok", 0.0);
	bson_text(b, "errmsg", text);
	bson_int32(b, "code", code);
	bson_text(b, "codeName", name);
}

enum answer { ANSWER_NONE, ANSWER_HELLO, ANSWER_BUILD, ANSWER_STATUS, ANSWER_DATABASES, ANSWER_CURSOR, ANSWER_N,
	ANSWER_OK, ANSWER_ADDRESS };

static const struct {
	const char *command;
	enum answer answer;
	int event; /* -1: only the command's own */
} commands[] = {
	{"hello", ANSWER_HELLO, EVENT_HELLO},
	{"isMaster", ANSWER_HELLO, EVENT_HELLO},
	{"buildInfo", ANSWER_BUILD, -1},
	{"listDatabases", ANSWER_DATABASES, EVENT_LIST},
	{"listCollections", ANSWER_CURSOR, EVENT_LIST},
	{"find", ANSWER_CURSOR, -1},
	{"aggregate", ANSWER_CURSOR, -1},
	{"getMore", ANSWER_CURSOR, -1},
	{"count", ANSWER_N, -1},
	{"insert", ANSWER_N, EVENT_WRITE},
	{"update", ANSWER_N, EVENT_WRITE},
	{"delete", ANSWER_N, EVENT_DROP},
	{"drop", ANSWER_OK, EVENT_DROP},
	{"dropDatabase", ANSWER_OK, EVENT_DROP},
	{"ping", ANSWER_OK, -1},
	{"create", ANSWER_OK, EVENT_WRITE},
	{"endSessions", ANSWER_OK, -1},
	{"getLog", ANSWER_OK, -1},
	{"serverStatus", ANSWER_STATUS, -1},
	{"logout", ANSWER_OK, -1},
	{"whatsmyuri", ANSWER_ADDRESS, -1},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static size_t command_number(struct protocol_text name)
{
	size_t i = 0;

	while (i < COMMAND_COUNT && !line_is(name, commands[i].command))
		i++;
	return i;
}

static void put_answer(struct protocol_io *io, struct bson_writer *b, const struct request *request,
    enum answer kind)
{
	char address[IP_TEXT_MAX];
	char text[IP_TEXT_MAX + 8];

	switch (kind) {
	case ANSWER_HELLO:
		put_hello(io, b, line_is(request->command, "isMaster"));
		break;
	case ANSWER_BUILD:
		bson_text(b, "version", protocol_persona(io, "mongodb.version"));
		bson_int32(b, "bits", 64);
		bson_bool(b, "debug", false);
		bson_int32(b, "maxBsonObjectSize", 16777216);
		break;
	case ANSWER_STATUS:
		bson_text(b, "host", protocol_persona(io, "persona.hostname"));
		bson_text(b, "version", protocol_persona(io, "mongodb.version"));
		bson_text(b, "process", "mongod");
		bson_date(b, "localTime", io->now_us / 1000);
		break;
	case ANSWER_DATABASES:
		put_databases(b);
		break;
	case ANSWER_CURSOR:
		put_cursor(b, request, line_is(request->command, "listCollections")
		    ? ".$cmd.listCollections" : ".$cmd");
		break;
	case ANSWER_N:
		bson_int32(b, "n", line_is(request->command, "insert"));
		break;
	case ANSWER_ADDRESS:
		(void)snprintf(text, sizeof(text), "%s:%u", ip_format(io->client, address),
		    io->client_port);
		bson_text(b, "you", text);
		break;
	case ANSWER_NONE:
	case ANSWER_OK:
		break;
	}
	bson_double(b, "ok", 1.0);
}

static void answer(struct protocol_io *io, const struct request *request, size_t number)
{
	uint8_t bytes[960];
	struct bson_writer b;
	char text[128];
	char name[65];
	size_t n =
	    request->command.len < sizeof(name) - 1 ? request->command.len : sizeof(name) - 1;

	if (!io->answering)
		return;
	bson_begin(&b, bytes, sizeof(bytes));
	if (number < COMMAND_COUNT) {
		put_answer(io, &b, request, commands[number].answer);
	} else {
		for (size_t i = 0; i < n; i++)
			name[i] = request->command.data[i] >= ' ' && request->command.data[i] < 0x7f
			    ? request->command.data[i] : ' ';
		name[n] = '\0';
		(void)snprintf(text, sizeof(text), "no such command: '%s'", name);
		put_error(&b, text, 59, "CommandNotFound");
	}
	send_document(io, request, &b);
}

/* ---- SCRAM ---------------------------------------------------------------------------------- */

/* An attribute of a SCRAM message: the text behind "n=" or the like, up to a comma. */
static struct protocol_text scram_part(struct protocol_text message, char name)
{
	size_t i = 0;

	while (i + 1 < message.len) {
		size_t end = i;

		while (end < message.len && message.data[end] != ',')
			end++;
		if (message.data[i] == name && message.data[i + 1] == '=')
			return (struct protocol_text){message.data + i + 2, end - i - 2};
		i = end + 1;
	}
	return PROTOCOL_LITERAL("");
}

static void put_conversation(struct bson_writer *b, struct protocol_text payload)
{
	bson_int32(b, "conversationId", 1);
	bson_bool(b, "done", false);
	bson_binary(b, "payload", payload.data, payload.len);
	bson_double(b, "ok", 1.0);
}

static void sasl_start(struct protocol_io *io, const struct request *request)
{
	struct state *state = io->state;
	const struct protocol_text message = bson_find_text(request->document, "payload");
	const struct protocol_text mechanism = bson_find_text(request->document, "mechanism");
	struct protocol_text nonce = scram_part(message, 'r');
	uint8_t salt[16];
	char salt64[32];
	uint8_t bytes[512];
	struct bson_writer b;
	int n;

	protocol_event(io, EVENT_AUTH);
	(void)snprintf(state->method, sizeof(state->method), "%.*s", (int)mechanism.len,
	    mechanism.data);
	attempt_user(io, &state->attempt, scram_part(message, 'n'));
	state->first_len = 0;
	if (!io->answering)
		return;
	for (unsigned i = 0; i < sizeof(salt); i++)
		salt[i] = (uint8_t)protocol_random(io);
	(void)encoding_base64_write(salt, sizeof(salt), salt64, sizeof(salt64));
	if (nonce.len > 40)
		nonce.len = 40;
	n = snprintf(state->first, sizeof(state->first), "r=%.*s%08x,s=%s,i=%d", (int)nonce.len,
	    nonce.data, (unsigned)protocol_random(io), salt64, ITERATIONS);
	if (n < 0 || (size_t)n >= sizeof(state->first))
		n = 0;
	state->first_len = (uint8_t)n;
	bson_begin(&b, bytes, sizeof(bytes));
	put_conversation(&b, (struct protocol_text){state->first, state->first_len});
	send_document(io, request, &b);
}

static const char *method_of(const struct state *state)
{
	return strcmp(state->method, "SCRAM-SHA-1") == 0 ? "SCRAM-SHA-1"
	    : strcmp(state->method, "SCRAM-SHA-256") == 0 ? "SCRAM-SHA-256"
	    : strcmp(state->method, "PLAIN") == 0 ? "PLAIN" : "";
}

static void sasl_continue(struct protocol_io *io, const struct request *request)
{
	struct state *state = io->state;
	const struct protocol_text message = bson_find_text(request->document, "payload");
	char hash[ATTEMPT_PASSWORD_MAX];
	uint8_t bytes[256];
	struct bson_writer b;
	int n;

	if (message.len == 0) /* the empty last step of a login that went well */
		return;
	n = snprintf(hash, sizeof(hash), "%.*s %.*s", (int)state->first_len, state->first,
	    (int)(message.len < 200 ? message.len : 200), message.data);
	if (n < 0)
		return;
	attempt_password(io, &state->attempt, (struct protocol_text){hash, (size_t)n},
	    PROTOCOL_SECRET_HASH, method_of(state));
	if (!io->answering)
		return;
	attempt_verdict(io, &state->attempt, PROTOCOL_REFUSED);
	bson_begin(&b, bytes, sizeof(bytes));
	put_error(&b, "Authentication failed.", 18, "AuthenticationFailed");
	send_document(io, request, &b);
}

/* ---- requests ------------------------------------------------------------------------------- */

static void tell_command(struct protocol_io *io, const struct request *request, size_t number)
{
	char text[PROTOCOL_TEXT_MAX];
	struct wr w = wr_init(text, sizeof(text));

	protocol_event(io, EVENT_COMMAND);
	if (number < COMMAND_COUNT && commands[number].event >= 0)
		protocol_event(io, (unsigned)commands[number].event);
	wr_bytes(
	    &w, request->database.data, request->database.len < 64 ? request->database.len : 64);
	wr_u8(&w, ' ');
	bson_render(request->document, &w);
	protocol_command(io, text, wr_len(&w));
}

static void tell_driver(struct protocol_io *io, struct rd document)
{
	struct rd client_document = bson_find_document(document, "client");
	struct rd driver = bson_find_document(client_document, "driver");
	const struct protocol_text name = bson_find_text(driver, "name");
	const struct protocol_text version = bson_find_text(driver, "version");
	char text[128];
	int n = snprintf(text, sizeof(text), "%.*s/%.*s", (int)(name.len < 60 ? name.len : 60),
	    name.data, (int)(version.len < 60 ? version.len : 60), version.data);

	if (name.len && n > 0)
		protocol_attribute(io, PROTOCOL_SOFTWARE, text, (size_t)n);
}

static void run(struct protocol_io *io, struct request *request)
{
	size_t number;

	request->command = bson_first_key(request->document);
	if (request->database.len == 0)
		request->database = bson_find_text(request->document, "$db");
	number = command_number(request->command);
	if (line_is(request->command, "saslStart")) {
		sasl_start(io, request);
		return;
	}
	if (line_is(request->command, "saslContinue")) {
		sasl_continue(io, request);
		return;
	}
	tell_command(io, request, number);
	tell_driver(io, request->document);
	answer(io, request, number);
}

/* flags, "db.$cmd" NUL, skip, count, document */
static void op_query(struct protocol_io *io, struct request *request, struct rd r)
{
	const uint8_t *end;
	const uint8_t *dot;

	rd_skip(&r, 4);
	end = rd_left(&r) ? memchr(r.pos, 0, rd_left(&r)) : NULL;
	if (!end || r.bad) {
		protocol_event(io, EVENT_MALFORMED);
		io->hang_up = true;
		return;
	}
	request->database = (struct protocol_text){(const char *)r.pos, (size_t)(end - r.pos)};
	dot = memchr(r.pos, '.', request->database.len);
	if (dot)
		request->database.len = (size_t)(dot - r.pos);
	rd_skip(&r, (size_t)(end - r.pos) + 1 + 8);
	request->document = r;
	run(io, request);
}

/* flags, sections: kind 0 is the command's document, kind 1 are documents for it. */
static void op_msg(struct protocol_io *io, struct request *request, struct rd r)
{
	const uint32_t flags = rd_u32le(&r);

	request->is_msg = true;
	request->document = rd_init(NULL, 0);
	while (!r.bad && rd_left(&r) > ((flags & FLAG_CHECKSUM) ? 4 : 0)) {
		const uint8_t kind = rd_u8(&r);
		struct rd peek = r;
		const uint32_t size = rd_u32le(&peek);

		if (kind == 0)
			request->document = r;
		else if (kind == 1 && !peek.bad)
			protocol_payload(io, 0, PROTOCOL_LITERAL("documents"), peek.pos,
			    rd_left(&peek) < size - 4 ? rd_left(&peek) : size - 4);
		if (kind == 1 && !peek.bad)
			protocol_payload_end(io, 0, PROTOCOL_LITERAL("documents"),
			    rd_left(&peek) < size - 4 ? PROTOCOL_PIECE_CUT : PROTOCOL_PIECE_END);
		if (kind > 1 || size < 5 || size > rd_left(&r))
			break;
		rd_skip(&r, size);
	}
	if (rd_left(&request->document) == 0) {
		protocol_event(io, EVENT_MALFORMED);
		io->hang_up = true;
		return;
	}
	run(io, request);
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);
	struct request request = {.is_msg = false};
	uint32_t size;
	uint32_t code;
	size_t n;

	if (state->skip > 0) {
		n = len < state->skip ? len : state->skip;
		state->skip -= (uint32_t)n;
		return n;
	}
	size = rd_u32le(&r);
	request.id = rd_u32le(&r);
	rd_skip(&r, 4);
	code = rd_u32le(&r);
	if (r.bad)
		return 0;
	if (size < HEADER || size > MESSAGE_MAX) {
		protocol_event(io, EVENT_MALFORMED);
		state->skip = UINT32_MAX;
		io->hang_up = true;
		return len;
	}
	size -= HEADER;
	if (rd_left(&r) < size && !io->full)
		return 0;
	n = rd_left(&r) < size ? rd_left(&r) : size;
	state->skip = size - (uint32_t)n;
	r = rd_sub(&r, n);
	if (code == OP_QUERY)
		op_query(io, &request, r);
	else if (code == OP_MSG)
		op_msg(io, &request, r);
	else if (code == OP_INSERT)
		protocol_event(io, EVENT_WRITE);
	return HEADER + n;
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct state *state = io->state;

	if (side == PROTOCOL_CLIENT && bytes > 0 && bytes < state->skip)
		state->skip -= (uint32_t)bytes;
	else if (side == PROTOCOL_CLIENT)
		state->skip = UINT32_MAX;
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	attempt_verdict(io, &state->attempt, PROTOCOL_OUTCOME_UNKNOWN);
}

const struct protocol_module protocol_mongodb = {
	.name = "mongodb",
	.title = "MongoDB",
	.spec = "MongoDB wire protocol (OP_QUERY, OP_MSG), RFC 5802, 7677",
	.doc = "Commands with their documents, SCRAM users and proofs, the driver's name.  "
	       "Answers as an open server without data.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {27017, 27018},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.reply_max = 1024,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.gap = gap,
	.close = close_session,
};
