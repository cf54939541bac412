/*
 * DNP3, telecontrol of power and water: link probes, and what is read, written, operated, restarted.
 *
 * A frame is 05 64, a length, control, two addresses and a checksum; data follows in blocks of 16
 * with a checksum each.  The application's function is in the first block.  Identified only.
 * IEEE 1815-2012 clauses 4, 8, 9.
 */
#include "base/rd.h"
#include "protocol/line.h"

#include <stdio.h>

enum {
	EVENT_LINK,
	EVENT_READ,
	EVENT_WRITE,
	EVENT_OPERATE,
	EVENT_RESTART,
	EVENT_FILE,
	EVENT_OTHER,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_LINK] = {"link", "link layer only: reset, test, status"},
	[EVENT_READ] = {"read", "objects are read"},
	[EVENT_WRITE] = {"write", "objects are written, frozen, assigned"},
	[EVENT_OPERATE] = {"operate", "outputs are selected or operated"},
	[EVENT_RESTART] = {"restart", "cold or warm restart, an application started or stopped"},
	[EVENT_FILE] = {"file", "files are opened, deleted, authenticated for"},
	[EVENT_OTHER] = {"other", "another function"},
	[EVENT_MALFORMED] = {"malformed", "bytes that contradict the standard"},
};

#define HEADER_LEN 10 /* with its checksum */
#define LENGTH_MIN 5  /* control and addresses; the length counts them and the data */
#define BLOCK_LEN 16
#define CHECKSUM_LEN 2
#define INBOX (HEADER_LEN + 250 + 16 * CHECKSUM_LEN)
#define FUNCTION_DATA 3       /* user data, confirmed */
#define FUNCTION_UNCONFIRMED 4
#define TRANSPORT_FIRST 0x40

struct state {
	bool lost;
};

static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *data = start->client;
	size_t len = start->client_len;
	uint8_t function;

	if ((len > 0 && data[0] != 0x05) || (len > 1 && data[1] != 0x64)
	    || (len > 2 && data[2] < LENGTH_MIN))
		return PROTOCOL_NO;
	if (len < 4)
		return PROTOCOL_MORE;
	function = data[3] & 0x0f;
	return function <= FUNCTION_UNCONFIRMED || function == 9 || function == 11 || function == 15
	    ? PROTOCOL_YES : PROTOCOL_NO;
}

static unsigned event_of(uint8_t function)
{
	switch (function) {
	case 1:
		return EVENT_READ;
	case 2:
	case 7:
	case 8:
	case 9:
	case 10:
	case 22:
		return EVENT_WRITE;
	case 3:
	case 4:
	case 5:
	case 6:
		return EVENT_OPERATE;
	case 13:
	case 14:
	case 15:
	case 16:
	case 17:
	case 18:
		return EVENT_RESTART;
	case 25:
	case 26:
	case 27:
	case 28:
	case 29:
	case 30:
		return EVENT_FILE;
	default:
		return EVENT_OTHER;
	}
}

static void frame(struct protocol_io *io, struct rd *r)
{
	uint8_t control;
	uint8_t transport;
	uint8_t function;
	uint16_t to;
	uint16_t from;
	char line[64];

	rd_skip(r, 3);
	control = rd_u8(r);
	to = rd_u16le(r);
	from = rd_u16le(r);
	rd_skip(r, CHECKSUM_LEN);
	if ((control & 0x0f) != FUNCTION_DATA && (control & 0x0f) != FUNCTION_UNCONFIRMED) {
		protocol_event(io, EVENT_LINK);
		return;
	}
	transport = rd_u8(r);
	rd_skip(r, 1); /* application control */
	function = rd_u8(r);
	if (r->bad) {
		protocol_event(io, EVENT_MALFORMED);
		return;
	}
	if (!(transport & TRANSPORT_FIRST))
		return; /* goes on from the frame before */
	protocol_event(io, event_of(function));
	(void)snprintf(line, sizeof(line), "function=%u to=%u from=%u", function, to, from);
	protocol_command(io, line, strlen(line));
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r;
	size_t user;
	size_t n;

	if (state->lost)
		return len;
	if (len < 3 && io->transport == PROTOCOL_TCP)
		return 0;
	if (len < HEADER_LEN && io->transport == PROTOCOL_UDP) {
		protocol_event(io, EVENT_MALFORMED);
		return len;
	}
	if (data[0] != 0x05 || data[1] != 0x64 || data[2] < LENGTH_MIN) {
		protocol_event(io, EVENT_MALFORMED);
		state->lost = io->transport == PROTOCOL_TCP;
		return len;
	}
	user = data[2] - LENGTH_MIN;
	n = HEADER_LEN + user + (user + BLOCK_LEN - 1) / BLOCK_LEN * CHECKSUM_LEN;
	if (n > len && io->transport == PROTOCOL_TCP)
		return 0;
	r = rd_init(data, n < len ? n : len);
	frame(io, &r);
	return n;
}

const struct protocol_module protocol_dnp3 = {
	.name = "dnp3",
	.title = "DNP3",
	.spec = "IEEE 1815-2012",
	.doc = "Functions and link addresses asked for.  Identified only.",
	.transports = PROTOCOL_TCP | PROTOCOL_UDP,
	.speaks_first = PROTOCOL_CLIENT,
	.identify_only = true,
	.tcp_ports = {20000},
	.udp_ports = {20000},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.idle_s = 30,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {
		{{0xff, 0xff}, {0x05, 0x64}},
	},
	.client = client,
};
