/*
 * EtherNet/IP: who lists identities of industrial devices, or opens a session with one.
 *
 * The encapsulation header of 24 bytes is unmistakable because status and options are zero in
 * requests.  Identified only: nothing is answered, since an identity is longer than its request.
 * ODVA, CIP Networks Library volume 2, 2-3.
 */
#include "base/rd.h"
#include "protocol/line.h"

#include <stdio.h>

enum {
	EVENT_LIST_IDENTITY,
	EVENT_LIST_OTHER,
	EVENT_REGISTER,
	EVENT_REQUEST,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_LIST_IDENTITY] = {"list-identity", "ListIdentity"},
	[EVENT_LIST_OTHER] = {"list", "ListServices or ListInterfaces"},
	[EVENT_REGISTER] = {"register-session", "RegisterSession"},
	[EVENT_REQUEST] = {"request", "SendRRData or SendUnitData: a CIP request"},
	[EVENT_MALFORMED] = {"malformed", "bytes that contradict the format"},
};

#define HEADER_LEN 24
#define DATA_MAX 65511

struct state {
	uint32_t skip;
};

static const struct {
	uint8_t code;
	uint8_t event;
	const char *name;
} commands[] = {
	{0x04, EVENT_LIST_OTHER, "list-services"},
	{0x63, EVENT_LIST_IDENTITY, "list-identity"},
	{0x64, EVENT_LIST_OTHER, "list-interfaces"},
	{0x65, EVENT_REGISTER, "register-session"},
	{0x66, EVENT_REGISTER, "unregister-session"},
	{0x6f, EVENT_REQUEST, "send-rr-data"},
	{0x70, EVENT_REQUEST, "send-unit-data"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static size_t find_command(uint8_t low, uint8_t high)
{
	size_t i = 0;

	while (i < COMMAND_COUNT && (high != 0 || commands[i].code != low))
		i++;
	return i;
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const uint8_t zeros[4] = {0};
	const uint8_t *data = start->client;
	size_t len = start->client_len;
	enum protocol_verdict status;

	if (len > 0 && find_command(data[0], len > 1 ? data[1] : 0) == COMMAND_COUNT)
		return PROTOCOL_NO;
	if (len <= 8)
		return PROTOCOL_MORE;
	status = probe_bytes(data + 8, len - 8, zeros, sizeof(zeros));
	if (status != PROTOCOL_YES || len <= 20)
		return status == PROTOCOL_NO ? PROTOCOL_NO : PROTOCOL_MORE;
	return probe_bytes(data + 20, len - 20, zeros, sizeof(zeros));
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t skip = state->skip < len ? state->skip : len;
	struct rd r = rd_init(data, len);
	const uint8_t *command;
	uint16_t data_len;
	size_t i;

	if (skip > 0) {
		state->skip -= (uint32_t)skip;
		return skip;
	}
	command = rd_take(&r, 2);
	data_len = rd_u16le(&r);
	rd_skip(&r, HEADER_LEN - 4);
	if (r.bad && io->transport == PROTOCOL_TCP)
		return 0;
	i = r.bad ? COMMAND_COUNT : find_command(command[0], command[1]);
	if (i == COMMAND_COUNT || data_len > DATA_MAX) {
		protocol_event(io, EVENT_MALFORMED);
		if (io->transport == PROTOCOL_TCP)
			state->skip = UINT32_MAX;
		return len;
	}
	protocol_event(io, commands[i].event);
	protocol_command(io, commands[i].name, strlen(commands[i].name));
	if (io->transport == PROTOCOL_TCP)
		state->skip = data_len;
	return HEADER_LEN;
}

const struct protocol_module protocol_enip = {
	.name = "enip",
	.title = "EtherNet/IP",
	.spec = "ODVA CIP Networks Library, volume 2",
	.doc = "Commands of the encapsulation: identities listed, sessions registered.  Identified "
	       "only.",
	.transports = PROTOCOL_TCP | PROTOCOL_UDP,
	.speaks_first = PROTOCOL_CLIENT,
	.identify_only = true,
	.tcp_ports = {44818},
	.udp_ports = {44818, 2222},
	.state_size = sizeof(struct state),
	.client_inbox = HEADER_LEN,
	.idle_s = 30,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {
		{{0, 0xff}, {0}},
	},
	.client = client,
};
