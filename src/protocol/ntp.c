/*
 * NTP: clients, and the control and private requests that amplification attacks send.
 *
 * Client requests get a time of 48 octets, as long as the shortest request; the other modes are
 * recorded and not answered.  RFC 5905; RFC 9327 (mode 6); ntpd's mode 7.
 */
#include "base/rd.h"
#include "protocol/protocol.h"

#include <stdio.h>

enum {
	EVENT_REQUEST,
	EVENT_CONTROL,
	EVENT_PRIVATE,
	EVENT_MONLIST,
};

static const struct protocol_event_name events[] = {
    [EVENT_REQUEST] = {"request", "mode 3 (client) or 1 (symmetric)"},
    [EVENT_CONTROL] = {"control", "mode 6: a control message, for instance readvar"},
    [EVENT_PRIVATE] = {"private", "mode 7: a private request"},
    [EVENT_MONLIST] = {"private.monlist", "mode 7 asking for the monitoring list: amplification"},
};

enum { MODE_SYMMETRIC = 1, MODE_CLIENT = 3, MODE_SERVER = 4, MODE_CONTROL = 6, MODE_PRIVATE = 7 };

#define PACKET 48
#define TRANSMIT_AT 40
#define CONTROL_MIN 12
#define PRIVATE_MIN 4
#define ERA_OFFSET 2208988800u /* 1900 to 1970, seconds */
#define REQUEST_MONLIST 20
#define REQUEST_MONLIST_1 42

/* Nothing in a time request proves it; mode 7's monitoring list is known by its four octets. */
static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *p = start->client;
	size_t len = start->client_len;
	uint8_t version;

	if (len < PRIVATE_MIN)
		return PROTOCOL_NO;
	version = p[0] >> 3 & 7;
	if ((p[0] & 0xe7) == MODE_PRIVATE && version == 2 && p[1] == 0 &&
	    (p[2] == 2 || p[2] == 3) && p[3] == REQUEST_MONLIST_1)
		return PROTOCOL_YES;
	if (!start->hinted || version == 0 || version > 4)
		return PROTOCOL_NO;
	switch (p[0] & 7) {
	case MODE_SYMMETRIC:
	case MODE_CLIENT:
		return len >= PACKET ? PROTOCOL_YES : PROTOCOL_NO;
	case MODE_CONTROL:
		return len >= CONTROL_MIN && !(p[1] & 0x80) ? PROTOCOL_YES : PROTOCOL_NO;
	case MODE_PRIVATE:
		return p[0] & 0x80 ? PROTOCOL_NO : PROTOCOL_YES;
	default:
		return PROTOCOL_NO;
	}
}

/* Microseconds since 1970 as NTP's 32.32 seconds since 1900. */
static uint64_t timestamp(int64_t us)
{
	const uint64_t seconds = (uint64_t)(us / 1000000) + ERA_OFFSET;
	const uint64_t fraction = ((uint64_t)(us % 1000000) << 32) / 1000000;

	return seconds << 32 | fraction;
}

static void answer(struct protocol_io *io, const uint8_t *data)
{
	uint8_t reply[PACKET];
	struct wr w = wr_init(reply, sizeof(reply));

	if (!io->answering || io->now_us < 0)
		return;
	wr_u8(&w, (data[0] & 0x38) | MODE_SERVER);
	wr_u8(&w, 2);       /* stratum */
	wr_u8(&w, data[2]); /* poll */
	wr_u8(&w, 0xe9);    /* precision: 2^-23 s */
	wr_u32be(&w, (uint32_t)(protocol_random(io) % 3000 + 300)); /* root delay, 5 to 50 ms */
	wr_u32be(&w, (uint32_t)(protocol_random(io) % 2000 + 500)); /* root dispersion */
	wr_u32be(&w, 0x0a000001); /* reference: a private address */
	wr_u64be(&w, timestamp(io->now_us - (int64_t)(protocol_random(io) % 900000000)));
	wr_bytes(&w, data + TRANSMIT_AT, 8);
	wr_u64be(&w, timestamp(io->now_us));
	wr_u64be(&w, timestamp(io->now_us + 21));
	protocol_reply(io, reply, wr_len(&w));
}

static bool is_monlist(uint8_t code)
{
	return code == REQUEST_MONLIST_1 || code == REQUEST_MONLIST;
}

static void tell_request(struct protocol_io *io, const uint8_t *data, uint8_t mode)
{
	char text[64];
	int n;

	if (!protocol_texts(io))
		return;
	if (mode == MODE_CONTROL)
		n = snprintf(text, sizeof(text), "mode 6 opcode %u%s", data[1] & 31,
		    (data[1] & 31) == 2 ? " readvar" : (data[1] & 31) == 1 ? " readstat" : "");
	else if (mode == MODE_PRIVATE)
		n = snprintf(text, sizeof(text), "mode 7 implementation %u code %u%s", data[2],
		    data[3], is_monlist(data[3]) ? " monlist" : "");
	else
		n = snprintf(text, sizeof(text), "mode %u version %u", mode, data[0] >> 3 & 7);
	if (n > 0)
		protocol_attribute(io, PROTOCOL_REQUEST, text, (size_t)n);
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	const uint8_t mode = len > 0 ? data[0] & 7 : 0;

	if (len < PRIVATE_MIN)
		return len;
	if ((mode == MODE_CLIENT || mode == MODE_SYMMETRIC) && len >= PACKET) {
		protocol_event(io, EVENT_REQUEST);
		if (mode == MODE_CLIENT)
			answer(io, data);
	} else if (mode == MODE_CONTROL) {
		protocol_event(io, EVENT_CONTROL);
	} else if (mode == MODE_PRIVATE) {
		protocol_event(io, EVENT_PRIVATE);
		if (is_monlist(data[3]))
			protocol_event(io, EVENT_MONLIST);
	} else {
		return len;
	}
	tell_request(io, data, mode);
	return len;
}

const struct protocol_module protocol_ntp = {
	.name = "ntp",
	.title = "NTP",
	.spec = "RFC 5905, RFC 9327",
	.doc = "Client, control and private requests.  Answers client requests with the time; "
	       "never control and private ones.",
	.transports = PROTOCOL_UDP,
	.speaks_first = PROTOCOL_CLIENT,
	.udp_ports = {123},
	.state_size = 1,
	.client_inbox = 1,
	.reply_max = PACKET,
	.idle_s = 10,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {
		{{0xff, 0xff, 0, 0xff}, {0x17, 0, 0, REQUEST_MONLIST_1}},
	},
	.client = client,
};
