/*
 * BACnet/IP: who looks for controllers of buildings, which objects and properties are asked for.
 *
 * One datagram is one message: BVLC, NPDU, APDU.  An answer with a value would be longer than its
 * request and could be turned against a victim, so reading is answered with the shortest error.
 * ASHRAE 135 clauses 6, 20, 21, annex J.
 */
#include "base/rd.h"
#include "protocol/line.h"

#include <stdio.h>

enum {
	EVENT_WHO_IS,
	EVENT_READ,
	EVENT_READ_MULTIPLE,
	EVENT_WRITE,
	EVENT_DEVICE_CONTROL,
	EVENT_FOREIGN_DEVICE,
	EVENT_OTHER,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_WHO_IS] = {"who-is", "Who-Is or Who-Has"},
	[EVENT_READ] = {"read-property", "ReadProperty"},
	[EVENT_READ_MULTIPLE] = {"read-property-multiple", "ReadPropertyMultiple or ReadRange"},
	[EVENT_WRITE] = {"write-property", "WriteProperty or WritePropertyMultiple"},
	[EVENT_DEVICE_CONTROL] = {"device-control", "communication control or reinitialisation"},
	[EVENT_FOREIGN_DEVICE] = {"foreign-device", "broadcast tables and foreign devices (BVLC)"},
	[EVENT_OTHER] = {"other", "another service"},
	[EVENT_MALFORMED] = {"malformed", "datagram that contradicts the standard"},
};

#define BVLC_TYPE 0x81
#define BVLC_UNICAST 0x0a
#define BVLC_BROADCAST 0x0b
#define BVLC_FORWARDED 0x04
#define BVLC_FUNCTION_MAX 0x0c
#define BVLC_HEADER 4
#define NPDU_DESTINATION 0x20
#define NPDU_SOURCE 0x08
#define NPDU_NETWORK_MESSAGE 0x80
#define APDU_CONFIRMED 0
#define APDU_UNCONFIRMED 1
#define APDU_SEGMENTED 0x08

static enum protocol_verdict probe(const struct protocol_start *start)
{
	struct rd r = rd_init(start->client, start->client_len);
	uint8_t type = rd_u8(&r);
	uint8_t function = rd_u8(&r);
	uint16_t len = rd_u16be(&r);

	if (r.bad || type != BVLC_TYPE || function > BVLC_FUNCTION_MAX || len < BVLC_HEADER)
		return PROTOCOL_NO;
	/* The length counts the whole datagram; scanners have been seen to get it wrong. */
	if (len == start->client_len)
		return PROTOCOL_YES;
	return function >= BVLC_UNICAST && start->client_len > 4 && start->client[4] == 1
	    ? PROTOCOL_YES : PROTOCOL_NO;
}

/* A context-tagged unsigned of one to four bytes, or an object id (clause 20.2). */
static bool take_tagged(struct rd *r, uint8_t number, uint32_t *ret)
{
	struct rd at = *r;
	uint8_t tag = rd_u8(&at);
	uint8_t len = tag & 7;
	uint32_t value = 0;

	if (at.bad || tag >> 4 != number || !(tag & 8) || len < 1 || len > 4)
		return false;
	for (uint8_t i = 0; i < len; i++)
		value = value << 8 | rd_u8(&at);
	if (at.bad)
		return false;
	*r = at;
	*ret = value;
	return true;
}

static void tell_object(struct protocol_io *io, const char *word, struct rd *r, uint8_t list_tag)
{
	uint32_t object = 0;
	uint32_t property = 0;
	char line[96];
	size_t n;

	if (!take_tagged(r, 0, &object))
		return;
	(void)snprintf(line, sizeof(line), "%s object=%u,%u", word, object >> 22, object & 0x3fffff);
	n = strlen(line);
	/* ReadPropertyMultiple has an opening tag before the properties. */
	if (list_tag && rd_left(r) > 0 && r->pos[0] == list_tag)
		rd_skip(r, 1);
	for (unsigned i = 0; i < (list_tag ? 8 : 1) && n + 12 < sizeof(line)
	     && take_tagged(r, list_tag ? 0 : 1, &property); i++) {
		(void)snprintf(line + n, sizeof(line) - n, "%s%u", i ? "," : " property=", property);
		n = strlen(line);
	}
	protocol_command(io, line, n);
}

static void confirmed(struct protocol_io *io, struct rd *r, uint8_t type)
{
	uint8_t reply[13] = {BVLC_TYPE, BVLC_UNICAST, 0, 13, 1, 0, 0x50};
	uint8_t invoke;
	uint8_t service;

	rd_skip(r, 1); /* sizes that the client accepts */
	invoke = rd_u8(r);
	if (type & APDU_SEGMENTED)
		rd_skip(r, 2);
	service = rd_u8(r);
	if (r->bad) {
		protocol_event(io, EVENT_MALFORMED);
		return;
	}
	switch (service) {
	case 12:
		protocol_event(io, EVENT_READ);
		tell_object(io, "read", r, 0);
		break;
	case 14:
	case 26:
		protocol_event(io, EVENT_READ_MULTIPLE);
		tell_object(io, "read-multiple", r, 0x1e);
		break;
	case 15:
	case 16:
		protocol_event(io, EVENT_WRITE);
		tell_object(io, "write", r, service == 16 ? 0x1e : 0);
		break;
	case 17:
	case 20:
		protocol_event(io, EVENT_DEVICE_CONTROL);
		break;
	default:
		protocol_event(io, EVENT_OTHER);
		break;
	}
	reply[7] = invoke;
	reply[8] = service;
	memcpy(reply + 9, "\x91\x01\x91\x1f", 4); /* object, unknown object */
	protocol_reply(io, reply, sizeof(reply));
}

static void apdu(struct protocol_io *io, struct rd *r)
{
	uint8_t type = rd_u8(r);
	uint8_t service;

	if (type >> 4 == APDU_CONFIRMED) {
		confirmed(io, r, type);
		return;
	}
	if (type >> 4 != APDU_UNCONFIRMED) {
		protocol_event(io, EVENT_OTHER);
		return;
	}
	service = rd_u8(r);
	protocol_event(io, r->bad ? EVENT_MALFORMED
	    : service == 7 || service == 8 ? EVENT_WHO_IS : EVENT_OTHER);
}

static void npdu(struct protocol_io *io, struct rd *r)
{
	uint8_t version = rd_u8(r);
	uint8_t control = rd_u8(r);

	if (control & NPDU_DESTINATION) {
		rd_skip(r, 2);
		rd_skip(r, rd_u8(r));
	}
	if (control & NPDU_SOURCE) {
		rd_skip(r, 2);
		rd_skip(r, rd_u8(r));
	}
	if (control & NPDU_DESTINATION)
		rd_skip(r, 1); /* hops */
	if (version != 1 || r->bad)
		protocol_event(io, EVENT_MALFORMED);
	else if (control & NPDU_NETWORK_MESSAGE || rd_left(r) == 0)
		protocol_event(io, EVENT_OTHER);
	else
		apdu(io, r);
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);
	uint8_t function;

	rd_skip(&r, 1);
	function = rd_u8(&r);
	rd_skip(&r, 2);
	if (function == BVLC_FORWARDED)
		rd_skip(&r, 6); /* by whom */
	if (r.bad)
		protocol_event(io, EVENT_MALFORMED);
	else if (function == BVLC_UNICAST || function == BVLC_BROADCAST || function == BVLC_FORWARDED)
		npdu(io, &r);
	else
		protocol_event(io, EVENT_FOREIGN_DEVICE);
	return len;
}

const struct protocol_module protocol_bacnet = {
	.name = "bacnet",
	.title = "BACnet/IP",
	.spec = "ASHRAE 135 annex J",
	.doc = "Who-Is, objects and properties read and written, foreign devices.  Reading is answered "
	       "with an error, because anything else would be longer than the request.",
	.transports = PROTOCOL_UDP,
	.speaks_first = PROTOCOL_CLIENT,
	.udp_ports = {47808},
	.client_inbox = 1,
	.reply_max = 16,
	.idle_s = 30,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {
		{{0xff}, {BVLC_TYPE}},
	},
	.client = client,
};
