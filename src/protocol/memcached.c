/*
 * memcached over TCP and UDP: commands, what is stored, and requests that are meant to be
 * reflected.
 *
 * TCP answers as an empty cache.  UDP answers at most what its request was long: an error.  Values
 * of storage commands are payloads.  The binary protocol's SASL gives logins; its requests are told
 * as the text commands they equal.  memcached protocol.txt, its binary protocol and UDP frame.
 */
#include "base/rd.h"
#include "protocol/attempt.h"
#include "protocol/verb.h"

#include <stdio.h>

enum {
	EVENT_COMMAND,
	EVENT_STATS,
	EVENT_WRITE,
	EVENT_AUTH,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_COMMAND] = {"command", "one command"},
	[EVENT_STATS] = {"stats", "stats: what amplification scans send"},
	[EVENT_WRITE] = {"write", "set and its like"},
	[EVENT_AUTH] = {"auth", "SASL of the binary protocol"},
	[EVENT_MALFORMED] = {"malformed", "request that contradicts the protocol"},
};

enum verb { SET, ADD, REPLACE, APPEND, PREPEND, CAS, GET, GETS, STATS, VERSION, FLUSH_ALL, QUIT,
	DELETE, INCR, DECR, TOUCH, VERBOSITY };

static const char *const verbs[] = {
	"set", "add", "replace", "append", "prepend", "cas", "get", "gets", "stats", "version",
	"flush_all", "quit", "delete", "incr", "decr", "touch", "verbosity", NULL,
};

#define LINE 768
#define UDP_FRAME 8
#define BINARY_HEADER 24
#define BINARY_REQUEST 0x80
#define NAME_MAX 64

struct state {
	struct attempt attempt;
	uint64_t value_left;  /* of a stored value, without its line end */
	uint32_t binary_skip; /* of a request longer than the inbox */
	uint8_t end_left;
	uint8_t name_len;
	bool in_value;
	bool quiet; /* noreply */
	bool skip;
	char name[NAME_MAX];
};

static const char *const probe_words[] = {"stats", "version", "flush_all", "verbosity", NULL};

/* UDP: request id, sequence 0 of 1, reserved 0, then a command. */
static enum protocol_verdict probe_udp(const struct protocol_start *start)
{
	static const char *const words[] = {"stats", "version", "get", "gets", "set", "add",
		"flush_all", "gat", "touch", NULL};

	if (start->client_len <= UDP_FRAME || probe_bytes(start->client + 2, start->client_len - 2,
	                                          "\0\0\0\1\0\0", 6) != PROTOCOL_YES)
		return PROTOCOL_NO;
	return verb_probe(start->client + UDP_FRAME, start->client_len - UDP_FRAME, words);
}

/* "set KEY 0 0 5" and "get KEY" are left to the port: others have such words too. */
static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *p = start->client;
	size_t len = start->client_len;

	if (start->transport == PROTOCOL_UDP)
		return probe_udp(start);
	if (start->hinted)
		return len > 0 && p[0] == BINARY_REQUEST ? PROTOCOL_YES : verb_hinted(start);
	if (len == 0)
		return PROTOCOL_MORE;
	if (p[0] != BINARY_REQUEST)
		return verb_probe(p, len, probe_words);
	if (len > 1 && p[1] > 0x25)
		return PROTOCOL_NO;
	if (len > 5 && p[5] != 0)
		return PROTOCOL_NO;
	if (len > 7 && (p[6] || p[7]))
		return PROTOCOL_NO;
	if (len > 8 && p[8])
		return PROTOCOL_NO;
	return len < BINARY_HEADER ? PROTOCOL_MORE : PROTOCOL_YES;
}

/* ---- text ----------------------------------------------------------------------------------- */

static void tell_command(struct protocol_io *io, unsigned verb, struct protocol_text line)
{
	protocol_event(io, EVENT_COMMAND);
	if (verb == STATS)
		protocol_event(io, EVENT_STATS);
	if (verb <= CAS)
		protocol_event(io, EVENT_WRITE);
	protocol_command(io, line.data, line.len);
}

static void answer_stats(struct protocol_io *io)
{
	protocol_replyf(io,
	    "STAT pid %u\r\nSTAT uptime %u\r\nSTAT time %u\r\nSTAT version %s\r\n"
	    "STAT pointer_size 64\r\nSTAT curr_connections 10\r\nSTAT curr_items 0\r\n"
	    "STAT limit_maxbytes 67108864\r\nEND\r\n",
	    (unsigned)(protocol_random(io) % 30000 + 300),
	    (unsigned)(io->now_us / 1000000 % 8640000), (unsigned)(io->now_us / 1000000),
	    protocol_persona(io, "memcached.version"));
}

static void answer(struct protocol_io *io, unsigned verb, bool has_argument)
{
	switch (verb) {
	case STATS:
		if (has_argument)
			protocol_reply_text(io, "END\r\n");
		else
			answer_stats(io);
		break;
	case VERSION:
		protocol_replyf(io, "VERSION %s\r\n", protocol_persona(io, "memcached.version"));
		break;
	case GET:
	case GETS:
		protocol_reply_text(io, "END\r\n");
		break;
	case FLUSH_ALL:
	case VERBOSITY:
		protocol_reply_text(io, "OK\r\n");
		break;
	case DELETE:
	case INCR:
	case DECR:
	case TOUCH:
		protocol_reply_text(io, "NOT_FOUND\r\n");
		break;
	case QUIT:
		io->hang_up = true;
		break;
	default:
		protocol_reply_text(io, "ERROR\r\n");
		break;
	}
}

/* set KEY flags time bytes [noreply]; the name is kept, the value follows. */
static bool storage(struct state *state, struct protocol_text rest)
{
	const struct protocol_text key = line_word(&rest);
	struct protocol_text size;
	uint64_t value = 0;

	(void)line_word(&rest);
	(void)line_word(&rest);
	size = line_word(&rest);
	if (size.len == 0 || size.len > 9)
		return false;
	for (size_t i = 0; i < size.len; i++) {
		if (size.data[i] < '0' || size.data[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(size.data[i] - '0');
	}
	state->name_len = (uint8_t)(key.len < NAME_MAX ? key.len : NAME_MAX);
	memcpy(state->name, key.data, state->name_len);
	state->value_left = value;
	state->end_left = 2;
	state->in_value = true;
	state->quiet = line_is(line_word(&rest), "noreply");
	return true;
}

static struct protocol_text name_of(const struct state *state)
{
	return (struct protocol_text){state->name, state->name_len};
}

static size_t value(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t n = len < state->value_left ? len : (size_t)state->value_left;

	if (state->value_left > 0) {
		protocol_payload(io, 0, name_of(state), data, n);
		state->value_left -= n;
		return n;
	}
	n = len < state->end_left ? len : state->end_left;
	state->end_left = (uint8_t)(state->end_left - n);
	if (state->end_left > 0)
		return n;
	protocol_payload_end(io, 0, name_of(state), PROTOCOL_PIECE_END);
	state->in_value = false;
	if (!state->quiet)
		protocol_reply_text(io, "STORED\r\n");
	return n;
}

static void text_command(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	struct protocol_text rest = line;
	const unsigned verb = verb_find(line_word(&rest), verbs);

	if (line.len == 0)
		return;
	tell_command(io, verb, line);
	if (verb <= CAS) {
		if (!storage(state, rest))
			protocol_reply_text(io, "ERROR\r\n");
		return;
	}
	answer(io, verb, line_trim(rest).len > 0);
}

/* ---- binary --------------------------------------------------------------------------------- */

enum { BINARY_GET = 0, BINARY_SET = 1, BINARY_VERSION = 0x0b, BINARY_STAT = 0x10,
	BINARY_SASL_LIST = 0x20, BINARY_SASL_AUTH = 0x21, BINARY_SASL_STEP = 0x22 };

static void binary_reply(struct protocol_io *io, const uint8_t *request, uint16_t status,
    const char *body)
{
	uint8_t packet[BINARY_HEADER + 64];
	struct wr w = wr_init(packet, sizeof(packet));
	size_t len = strnlen(body, 64);

	wr_u8(&w, 0x81);
	wr_u8(&w, request[1]);
	wr_u32be(&w, 0);
	wr_u16be(&w, status);
	wr_u32be(&w, (uint32_t)len);
	wr_bytes(&w, request + 12, 4); /* opaque */
	wr_u64be(&w, 0);
	wr_bytes(&w, body, len);
	protocol_reply(io, packet, wr_len(&w));
}

/* SASL PLAIN's bytes come as they are, not as base64. */
static void binary_auth(struct protocol_io *io, struct protocol_text mechanism,
    struct protocol_text body)
{
	struct state *state = io->state;
	const char *first = body.len ? memchr(body.data, 0, body.len) : NULL;
	const char *second;
	const char *end = body.data + body.len;

	protocol_event(io, EVENT_AUTH);
	if (!line_is(mechanism, "PLAIN") || !first)
		return;
	first++;
	second = first < end ? memchr(first, 0, (size_t)(end - first)) : NULL;
	if (!second)
		return;
	attempt_user(io, &state->attempt, (struct protocol_text){first, (size_t)(second - first)});
	attempt_password(io, &state->attempt,
	    (struct protocol_text){second + 1, (size_t)(end - second - 1)},
	    PROTOCOL_SECRET_PASSWORD, "PLAIN");
	attempt_verdict(io, &state->attempt,
	    io->answering ? PROTOCOL_REFUSED : PROTOCOL_OUTCOME_UNKNOWN);
}

static void binary_command(struct protocol_io *io, const uint8_t *head, struct protocol_text key,
    struct protocol_text body)
{
	static const char *const names[] = {[BINARY_GET] = "get", [BINARY_SET] = "set",
		"add", "replace", "delete", "incr", "decr", "quit", "flush_all", "getq", "noop",
		[BINARY_VERSION] = "version", "getk", "getkq", "append", "prepend",
		[BINARY_STAT] = "stats"};
	const uint8_t code = head[1];
	char text[300];
	int n;

	if (code == BINARY_SASL_AUTH || code == BINARY_SASL_STEP) {
		binary_auth(io, key, body);
		binary_reply(io, head, 0x20, "Auth failure");
		return;
	}
	n = snprintf(text, sizeof(text), "%s%s%.*s",
	    code < sizeof(names) / sizeof(names[0]) && names[code] ? names[code] : "binary",
	    key.len ? " " : "", (int)(key.len < 250 ? key.len : 250), key.data);
	if (n <= 0 || (size_t)n >= sizeof(text))
		return;
	tell_command(io, code == BINARY_STAT ? STATS : code == BINARY_SET ? SET : VERB_NONE,
	    (struct protocol_text){text, (size_t)n});
	if (code == BINARY_SET && body.len > 0) {
		protocol_payload(io, 0, key, body.data, body.len);
		protocol_payload_end(io, 0, key, PROTOCOL_PIECE_END);
	}
	if (code == BINARY_VERSION)
		binary_reply(io, head, 0, protocol_persona(io, "memcached.version"));
	else if (code == BINARY_SASL_LIST)
		binary_reply(io, head, 0, "PLAIN");
	else if (code == BINARY_GET)
		binary_reply(io, head, 1, "Not found");
	else
		binary_reply(io, head, 0, "");
}

static size_t binary(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);
	struct protocol_text key = PROTOCOL_LITERAL("");
	struct protocol_text body = PROTOCOL_LITERAL("");
	uint16_t key_len;
	uint8_t extras;
	uint32_t body_len;
	size_t have;

	rd_skip(&r, 2);
	key_len = rd_u16be(&r);
	extras = rd_u8(&r);
	rd_skip(&r, 3);
	body_len = rd_u32be(&r);
	rd_skip(&r, 12);
	if (r.bad)
		return io->full ? len : 0;
	have = rd_left(&r);
	if (have < body_len && !io->full)
		return 0;
	if (body_len < (uint32_t)key_len + extras) {
		protocol_event(io, EVENT_MALFORMED);
		state->binary_skip = UINT32_MAX;
		io->hang_up = true;
		return len;
	}
	state->binary_skip = have < body_len ? body_len - (uint32_t)have : 0;
	have = have < body_len ? have : body_len;
	if (have >= (size_t)key_len + extras) {
		rd_skip(&r, extras);
		key = (struct protocol_text){(const char *)rd_take(&r, key_len), key_len};
		body.len = have - extras - key_len;
		body.data = (const char *)rd_take(&r, body.len);
	}
	binary_command(io, data, key, body);
	return BINARY_HEADER + have;
}

/* ---- both ----------------------------------------------------------------------------------- */

/* The frame and an error: as long as the shortest request. */
static void datagram(struct protocol_io *io, const uint8_t *data, size_t len)
{
	const struct protocol_text text = {(const char *)data + UDP_FRAME, len - UDP_FRAME};
	const uint8_t *end = memchr(text.data, '\n', text.len);
	struct protocol_text line = {text.data, end ? (size_t)(end - data) - UDP_FRAME : text.len};
	struct protocol_text rest;
	uint8_t reply[UDP_FRAME + 7];

	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	rest = line;
	tell_command(io, verb_find(line_word(&rest), verbs), line);
	memcpy(reply, data, 2);
	memcpy(reply + 2, "\0\0\0\1\0\0ERROR\r\n", 13);
	protocol_reply(io, reply, sizeof(reply));
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line;
	size_t taken;

	if (io->transport == PROTOCOL_UDP) {
		if (len > UDP_FRAME)
			datagram(io, data, len);
		return len;
	}
	if (state->in_value)
		return value(io, data, len);
	if (state->binary_skip > 0) {
		taken = len < state->binary_skip ? len : state->binary_skip;
		state->binary_skip -= (uint32_t)taken;
		return taken;
	}
	if (!state->skip && data[0] == BINARY_REQUEST)
		return binary(io, data, len);
	taken = verb_line(io, &state->skip, data, len, &line);
	if (taken > 0 && line.data)
		text_command(io, line);
	return taken;
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct state *state = io->state;

	if (side != PROTOCOL_CLIENT)
		return;
	if (state->in_value && bytes > 0 && bytes < state->value_left) {
		state->value_left -= bytes;
		return;
	}
	if (state->in_value)
		protocol_payload_end(io, 0, name_of(state), PROTOCOL_PIECE_CUT);
	state->in_value = false;
	state->binary_skip = 0;
	state->skip = true;
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	if (state->in_value)
		protocol_payload_end(io, 0, name_of(state), PROTOCOL_PIECE_CUT);
}

const struct protocol_module protocol_memcached = {
	.name = "memcached",
	.title = "memcached",
	.spec = "memcached protocol.txt, binary protocol, UDP frame",
	.doc = "Commands and stored values, logins by SASL.  Answers over TCP as an empty cache, "
	       "over UDP with an error no longer than the request.",
	.transports = PROTOCOL_TCP | PROTOCOL_UDP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {11211},
	.udp_ports = {11211},
	.state_size = sizeof(struct state),
	.client_inbox = LINE,
	.reply_max = 512,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {
		{{0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 0, 0, 1, 0, 0}},
	},
	.client = client,
	.gap = gap,
	.close = close_session,
};
