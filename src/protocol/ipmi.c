/*
 * IPMI over RMCP: who looks for management controllers, and the user names of RAKP.
 *
 * In version 2 the client names its user before any password is checked, and the controller then
 * hands out a hash; versions before have a user name in the clear as well.  Identified only: RMCP's
 * answers are longer than its requests.
 * IPMI v2.0 rev. 1.1, 13.1 to 13.20; DSP0136 (ASF).
 */
#include "base/rd.h"
#include "protocol/line.h"

#include <stdio.h>

enum {
	EVENT_ASF_PING,
	EVENT_CAPABILITIES,
	EVENT_OPEN_SESSION,
	EVENT_RAKP,
	EVENT_COMMAND,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_ASF_PING] = {"asf-ping", "ASF presence ping"},
	[EVENT_CAPABILITIES] = {"auth-capabilities", "Get Channel Authentication Capabilities"},
	[EVENT_OPEN_SESSION] = {"open-session", "session request (RMCP+ or Get Session Challenge)"},
	[EVENT_RAKP] = {"rakp", "RAKP message 1 or 3"},
	[EVENT_COMMAND] = {"command", "another command"},
	[EVENT_MALFORMED] = {"malformed", "datagram that contradicts the standard"},
};

#define RMCP_VERSION 6
#define CLASS_ASF 6
#define CLASS_IPMI 7
#define ASF_PING 0x80
#define AUTH_NONE 0
#define AUTH_RMCP_PLUS 6
#define PAYLOAD_IPMI 0x00
#define PAYLOAD_OPEN_SESSION 0x10
#define PAYLOAD_RAKP_1 0x12
#define PAYLOAD_RAKP_3 0x14
#define COMMAND_CAPABILITIES 0x38
#define COMMAND_CHALLENGE 0x39
#define USER_MAX 16

static enum protocol_verdict probe(const struct protocol_start *start)
{
	struct rd r = rd_init(start->client, start->client_len);
	uint8_t version = rd_u8(&r);
	uint8_t reserved = rd_u8(&r);
	uint8_t class;

	rd_skip(&r, 1); /* sequence: none for IPMI */
	class = rd_u8(&r);
	if (r.bad || version != RMCP_VERSION || reserved != 0)
		return PROTOCOL_NO;
	return class == CLASS_IPMI || class == CLASS_ASF ? PROTOCOL_YES : PROTOCOL_NO;
}

static void tell_user(struct protocol_io *io, const uint8_t *name, size_t len, const char *method)
{
	if (len > 0)
		protocol_login(io, (struct protocol_text){(const char *)name, len},
		    (struct protocol_text){"", 0}, PROTOCOL_SECRET_NONE, method,
		    PROTOCOL_OUTCOME_UNKNOWN);
}

/* Tag, controller's session, random number, privilege, name (13.20). */
static void rakp_1(struct protocol_io *io, struct rd *r)
{
	uint8_t len;
	const uint8_t *name;

	rd_skip(r, 4 + 4 + 16 + 1 + 2);
	len = rd_u8(r);
	name = rd_take(r, len);
	protocol_event(io, name && len <= USER_MAX ? EVENT_RAKP : EVENT_MALFORMED);
	if (name && len <= USER_MAX)
		tell_user(io, name, len, "rakp");
}

/* Addresses, function, checksum, sequence, command, data (13.8). */
static void ipmi_command(struct protocol_io *io, struct rd *r)
{
	uint8_t function;
	uint8_t command;
	const uint8_t *name;
	char line[48];

	rd_skip(r, 1);
	function = rd_u8(r) >> 2;
	rd_skip(r, 3);
	command = rd_u8(r);
	if (r->bad) {
		protocol_event(io, EVENT_MALFORMED);
		return;
	}
	protocol_event(io, command == COMMAND_CAPABILITIES ? EVENT_CAPABILITIES
	    : command == COMMAND_CHALLENGE ? EVENT_OPEN_SESSION : EVENT_COMMAND);
	(void)snprintf(line, sizeof(line), "netfn=0x%02x command=0x%02x", function, command);
	protocol_command(io, line, strlen(line));
	if (command != COMMAND_CHALLENGE)
		return;
	rd_skip(r, 1); /* kind of authentication */
	name = rd_take(r, USER_MAX);
	if (name)
		tell_user(io, name, strnlen((const char *)name, USER_MAX), "challenge");
}

static void ipmi(struct protocol_io *io, struct rd *r)
{
	uint8_t auth = rd_u8(r);
	uint8_t payload = PAYLOAD_IPMI;

	if (auth == AUTH_RMCP_PLUS) {
		payload = rd_u8(r) & 0x3f;
		rd_skip(r, 4 + 4 + 2); /* session, sequence, length */
	} else {
		rd_skip(r, 4 + 4 + (auth == AUTH_NONE ? 0 : 16) + 1);
	}
	if (r->bad) {
		protocol_event(io, EVENT_MALFORMED);
		return;
	}
	switch (payload) {
	case PAYLOAD_IPMI:
		ipmi_command(io, r);
		return;
	case PAYLOAD_OPEN_SESSION:
		protocol_event(io, EVENT_OPEN_SESSION);
		return;
	case PAYLOAD_RAKP_1:
		rakp_1(io, r);
		return;
	case PAYLOAD_RAKP_3:
		protocol_event(io, EVENT_RAKP);
		return;
	default:
		protocol_event(io, EVENT_COMMAND);
		return;
	}
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);
	uint8_t class;

	rd_skip(&r, 3);
	class = rd_u8(&r);
	if ((class & 0x1f) == CLASS_IPMI) {
		ipmi(io, &r);
		return len;
	}
	rd_skip(&r, 4); /* whose */
	protocol_event(io, rd_u8(&r) == ASF_PING ? EVENT_ASF_PING
	    : r.bad ? EVENT_MALFORMED : EVENT_COMMAND);
	return len;
}

const struct protocol_module protocol_ipmi = {
	.name = "ipmi",
	.title = "IPMI",
	.spec = "IPMI v2.0, DSP0136",
	.doc = "ASF pings, capabilities, sessions and user names of RAKP.  Identified only.",
	.transports = PROTOCOL_UDP,
	.speaks_first = PROTOCOL_CLIENT,
	.identify_only = true,
	.udp_ports = {623, 664},
	.client_inbox = 1,
	.idle_s = 30,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {
		{{0xff, 0xff}, {RMCP_VERSION, 0}},
	},
	.client = client,
};
