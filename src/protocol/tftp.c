/*
 * TFTP: which files are asked for and brought.
 *
 * A write request is acknowledged, so that the file comes: it is a payload.  A read request gets an
 * error without a text, which is shorter than any request.  Blocks are taken in their order, as the
 * protocol sends them; one that comes again is acknowledged again.  RFC 1350, 2347.
 */
#include "base/rd.h"
#include "protocol/line.h"

#include <stdio.h>

enum {
	EVENT_READ,
	EVENT_WRITE,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_READ] = {"read", "RRQ: a file is asked for"},
	[EVENT_WRITE] = {"write", "WRQ: a file is to be brought"},
	[EVENT_MALFORMED] = {"malformed", "packet that contradicts the protocol"},
};

enum { OP_READ = 1, OP_WRITE = 2, OP_DATA = 3, OP_ACK = 4, OP_ERROR = 5 };

#define NAME_MAX 128
#define BLOCK 512

struct state {
	uint16_t next; /* block */
	bool writing;
	uint8_t name_len;
	char name[NAME_MAX];
};

static struct protocol_text take_string(struct rd *r)
{
	const uint8_t *end = rd_left(r) ? memchr(r->pos, 0, rd_left(r)) : NULL;
	struct protocol_text text = {(const char *)r->pos, end ? (size_t)(end - r->pos) : 0};

	if (!end)
		r->bad = true;
	else
		rd_skip(r, text.len + 1);
	return text;
}

/* A request: the name may hold anything but NUL, the mode is one of three words. */
static bool take_request(const uint8_t *data, size_t len, uint16_t *ret_op,
    struct protocol_text *ret_name, struct protocol_text *ret_mode)
{
	struct rd r = rd_init(data, len);

	*ret_op = rd_u16be(&r);
	if (*ret_op != OP_READ && *ret_op != OP_WRITE)
		return false;
	*ret_name = take_string(&r);
	*ret_mode = take_string(&r);
	return !r.bad && (line_is(*ret_mode, "octet") || line_is(*ret_mode, "netascii") ||
	    line_is(*ret_mode, "mail"));
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	struct protocol_text name;
	struct protocol_text mode;
	uint16_t op;

	return take_request(start->client, start->client_len, &op, &name, &mode) ? PROTOCOL_YES
	                                                                       : PROTOCOL_NO;
}

static struct protocol_text name_of(const struct state *state)
{
	return (struct protocol_text){state->name, state->name_len};
}

static void acknowledge(struct protocol_io *io, uint16_t block)
{
	const uint8_t reply[4] = {0, OP_ACK, (uint8_t)(block >> 8), (uint8_t)block};

	protocol_reply(io, reply, sizeof(reply));
}

static void request(struct protocol_io *io, uint16_t op, struct protocol_text name,
    struct protocol_text mode)
{
	struct state *state = io->state;
	char text[400];
	int n = snprintf(text, sizeof(text), "%s %.*s %.*s", op == OP_READ ? "RRQ" : "WRQ",
	    (int)(name.len < 300 ? name.len : 300), name.data, (int)(mode.len < 10 ? mode.len : 10),
	    mode.data);

	protocol_event(io, op == OP_READ ? EVENT_READ : EVENT_WRITE);
	if (n > 0 && (size_t)n < sizeof(text)) {
		protocol_attribute(io, PROTOCOL_REQUEST, text, (size_t)n);
		protocol_command(io, text, (size_t)n);
	}
	if (op == OP_READ) {
		protocol_reply(io, "\0\5\0\1\0", 5); /* file not found */
		return;
	}
	if (state->writing) /* the request came again */
		protocol_payload_end(io, 0, name_of(state), PROTOCOL_PIECE_CUT);
	state->writing = true;
	state->next = 1;
	state->name_len = (uint8_t)(name.len < NAME_MAX ? name.len : NAME_MAX);
	memcpy(state->name, name.data, state->name_len);
	acknowledge(io, 0);
}

static void block(struct protocol_io *io, uint16_t number, const uint8_t *data, size_t len)
{
	struct state *state = io->state;

	if (number == (uint16_t)(state->next - 1)) {
		acknowledge(io, number);
		return;
	}
	if (!state->writing || number != state->next)
		return;
	if (len)
		protocol_payload(io, 0, name_of(state), data, len);
	acknowledge(io, number);
	state->next++;
	if (len >= BLOCK)
		return;
	protocol_payload_end(io, 0, name_of(state), PROTOCOL_PIECE_END);
	state->writing = false;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);
	struct protocol_text name;
	struct protocol_text mode;
	uint16_t op;
	uint16_t number;

	if (take_request(data, len, &op, &name, &mode)) {
		request(io, op, name, mode);
		return len;
	}
	op = rd_u16be(&r);
	number = rd_u16be(&r);
	if (!r.bad && op == OP_DATA)
		block(io, number, r.pos, rd_left(&r));
	else if (r.bad || op == 0 || op > OP_ERROR || op < OP_DATA)
		protocol_event(io, EVENT_MALFORMED);
	return len;
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	if (state->writing)
		protocol_payload_end(io, 0, name_of(state), PROTOCOL_PIECE_CUT);
}

const struct protocol_module protocol_tftp = {
	.name = "tftp",
	.title = "TFTP",
	.spec = "RFC 1350, 2347",
	.doc = "Files asked for, files brought as payloads.  Answers reads with an error, takes "
	       "writes.",
	.transports = PROTOCOL_UDP,
	.speaks_first = PROTOCOL_CLIENT,
	.udp_ports = {69},
	.state_size = sizeof(struct state),
	.client_inbox = 1,
	.reply_max = 8,
	.idle_s = 30,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {
		{{0xff, 0xfc}, {0}},
	},
	.client = client,
	.close = close_session,
};
