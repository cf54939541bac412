/*
 * IEC 60870-5-104, telecontrol of power grids: transfers started, stations interrogated, commands.
 *
 * A frame is 0x68, a length and four control bytes: numbered transfers (I), acknowledgments (S), or
 * start, stop and test (U).  Identified only.
 * IEC 60870-5-104 clause 5, IEC 60870-5-101 clause 7.
 */
#include "base/rd.h"
#include "protocol/line.h"

#include <stdio.h>

enum {
	EVENT_START,
	EVENT_STOP,
	EVENT_TEST,
	EVENT_INTERROGATION,
	EVENT_COMMAND,
	EVENT_OTHER,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_START] = {"startdt", "data transfer is to start (STARTDT)"},
	[EVENT_STOP] = {"stopdt", "data transfer is to stop (STOPDT)"},
	[EVENT_TEST] = {"testfr", "test frame (TESTFR)"},
	[EVENT_INTERROGATION] = {"interrogation", "interrogation of a station or its counters"},
	[EVENT_COMMAND] = {"command", "command in control direction: switches, set points, reset"},
	[EVENT_OTHER] = {"other", "another unit of data"},
	[EVENT_MALFORMED] = {"malformed", "bytes that contradict the standard"},
};

#define START 0x68
#define LENGTH_MIN 4
#define LENGTH_MAX 253
#define INBOX (2 + LENGTH_MAX)
#define U_STARTDT 0x07
#define U_STOPDT 0x13
#define U_TESTFR 0x43

struct state {
	bool lost;
};

static bool is_request(uint8_t control)
{
	return control == U_STARTDT || control == U_STOPDT || control == U_TESTFR;
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const uint8_t zeros[3] = {0};
	const uint8_t *data = start->client;
	size_t len = start->client_len;

	if ((len > 0 && data[0] != START)
	    || (len > 1 && (data[1] < LENGTH_MIN || data[1] > LENGTH_MAX)))
		return PROTOCOL_NO;
	if (len < 3)
		return PROTOCOL_MORE;
	if (data[1] != LENGTH_MIN || !is_request(data[2])) /* a client begins with one of these */
		return start->hinted ? PROTOCOL_YES : PROTOCOL_NO;
	return len > 3 ? probe_bytes(data + 3, len - 3, zeros, sizeof(zeros)) : PROTOCOL_MORE;
}

/* An application unit: type, number of objects, cause, common address. */
static void unit(struct protocol_io *io, struct rd *r)
{
	uint8_t type = rd_u8(r);
	uint8_t count = rd_u8(r) & 0x7f;
	uint8_t cause = rd_u8(r) & 0x3f;
	uint16_t station;
	char line[64];

	rd_skip(r, 1); /* originator */
	station = rd_u16le(r);
	if (r->bad) {
		protocol_event(io, EVENT_MALFORMED);
		return;
	}
	protocol_event(io, type == 100 || type == 101 ? EVENT_INTERROGATION
	    : (type >= 45 && type <= 64) || (type >= 102 && type <= 113) ? EVENT_COMMAND
	                                                                 : EVENT_OTHER);
	(void)snprintf(line, sizeof(line), "type=%u cause=%u station=%u objects=%u", type, cause,
	    station, count);
	protocol_command(io, line, strlen(line));
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);
	uint8_t first = rd_u8(&r);
	uint8_t left = rd_u8(&r);
	uint8_t control;
	struct rd body;

	if (state->lost)
		return len;
	if (first != START || (!r.bad && (left < LENGTH_MIN || left > LENGTH_MAX))) {
		protocol_event(io, EVENT_MALFORMED);
		state->lost = true;
		return len;
	}
	if (r.bad || rd_left(&r) < left)
		return 0;
	body = rd_sub(&r, left);
	control = rd_u8(&body);
	rd_skip(&body, 3);
	if (!(control & 1))
		unit(io, &body);
	else if (control == U_STARTDT)
		protocol_event(io, EVENT_START);
	else if (control == U_STOPDT)
		protocol_event(io, EVENT_STOP);
	else if (control == U_TESTFR)
		protocol_event(io, EVENT_TEST);
	return (size_t)left + 2;
}

const struct protocol_module protocol_iec104 = {
	.name = "iec104",
	.title = "IEC 60870-5-104",
	.spec = "IEC 60870-5-104, IEC 60870-5-101",
	.doc = "Start, stop and test frames, interrogations, commands with type and station.  "
	       "Identified only.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.identify_only = true,
	.tcp_ports = {2404},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.idle_s = 30,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
};
