/*
 * S7comm, the protocol of Siemens' S7 controllers, over ISO transport (TPKT and COTP, port 102).
 *
 * A connection request carries TSAPs, which tells it from RDP's; then come jobs and "user data".
 * Identification (system status lists), variables read and written, start and stop, up- and
 * download are told apart.  Answering accepts the connection and the set-up, gives identification
 * from the persona and refuses the rest.  S7comm-plus is named, not read.
 * RFC 905 13.3, 13.4, 13.7; RFC 1006; the S7 part is not published: as Wireshark's and nmap's
 * descriptions of it say.
 */
#include "base/rd.h"
#include "protocol/line.h"

#include <stdio.h>

enum {
	EVENT_CONNECT,
	EVENT_SETUP,
	EVENT_READ_SZL,
	EVENT_READ,
	EVENT_WRITE,
	EVENT_START,
	EVENT_STOP,
	EVENT_UPLOAD,
	EVENT_DOWNLOAD,
	EVENT_OTHER,
	EVENT_PLUS,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_CONNECT] = {"connect", "ISO transport connection request with TSAPs"},
	[EVENT_SETUP] = {"setup", "set-up of S7 communication"},
	[EVENT_READ_SZL] = {"read-szl", "system status list is read (identification)"},
	[EVENT_READ] = {"read", "variables are read"},
	[EVENT_WRITE] = {"write", "variables are written"},
	[EVENT_START] = {"start", "program invocation (start of the controller)"},
	[EVENT_STOP] = {"stop", "the controller is to stop"},
	[EVENT_UPLOAD] = {"upload", "blocks are read from the controller"},
	[EVENT_DOWNLOAD] = {"download", "blocks are written to the controller"},
	[EVENT_OTHER] = {"other", "another job or user data"},
	[EVENT_PLUS] = {"plus", "S7comm-plus"},
	[EVENT_MALFORMED] = {"malformed", "bytes that contradict the format"},
};

#define TPKT_HEADER 4
#define TPKT_MIN 7
#define INBOX 512
#define COTP_CR 0xe0
#define COTP_CC 0xd0
#define COTP_DT 0xf0
#define PARAMETER_SIZE 0xc0
#define PARAMETER_CALLING 0xc1
#define PARAMETER_CALLED 0xc2
#define TSAP_MAX 16
#define S7_ID 0x32
#define S7_PLUS_ID 0x72
#define S7_JOB 1
#define S7_USERDATA 7
#define FUNCTION_SETUP 0xf0
#define FUNCTION_READ 0x04
#define FUNCTION_WRITE 0x05
#define ITEMS_MAX 20
#define PDU_SIZE 240
#define SZL_MODULE 0x0011
#define SZL_COMPONENT 0x001c

struct state {
	uint32_t skip;
};

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const uint8_t tpkt[] = {3, 0};
	static const uint8_t data_unit[] = {2, COTP_DT, 0x80};
	const uint8_t *data = start->client;
	size_t len = start->client_len;
	enum protocol_verdict verdict = probe_bytes(data, len, tpkt, sizeof(tpkt));

	if (verdict != PROTOCOL_YES)
		return verdict;
	if (len <= 4)
		return PROTOCOL_MORE;
	if (data[4] == 2) {
		verdict = probe_bytes(data + 4, len - 4, data_unit, sizeof(data_unit));
		if (verdict != PROTOCOL_YES)
			return verdict;
		if (len <= 7)
			return PROTOCOL_MORE;
		return data[7] == S7_ID || data[7] == S7_PLUS_ID ? PROTOCOL_YES : PROTOCOL_NO;
	}
	if (data[4] < 8)
		return PROTOCOL_NO;
	if (len <= 11)
		return len > 5 && data[5] != COTP_CR ? PROTOCOL_NO : PROTOCOL_MORE;
	if (data[5] != COTP_CR)
		return PROTOCOL_NO;
	return data[11] >= PARAMETER_SIZE && data[11] <= PARAMETER_CALLED ? PROTOCOL_YES : PROTOCOL_NO;
}

/* ---- COTP ----------------------------------------------------------------------------------- */

/* The TSAPs go into the request's text, and back into the confirmation. */
static void connection_request(struct protocol_io *io, struct rd *r)
{
	uint8_t reply[TPKT_HEADER + 7 + 3 + 2 * (2 + TSAP_MAX)];
	struct wr w = wr_init(reply, sizeof(reply));
	char line[2 * (2 * TSAP_MAX + 12)] = "CONNECT";
	size_t n = strlen(line);
	const uint8_t *source;

	rd_skip(r, 2);
	source = rd_take(r, 2);
	rd_skip(r, 1); /* class */
	protocol_event(io, EVENT_CONNECT);
	if (!source)
		return;
	wr_bytes(&w, "\x03\0\0\0\0\xd0", 6);
	wr_bytes(&w, source, 2);
	wr_u16be(&w, (uint16_t)(protocol_random(io) | 1));
	wr_u8(&w, 0);
	for (unsigned i = 0; i < 3 && rd_left(r) >= 2; i++) {
		uint8_t kind = rd_u8(r);
		uint8_t len = rd_u8(r);
		const uint8_t *value = rd_take(r, len);

		if (!value || len > TSAP_MAX || kind < PARAMETER_SIZE || kind > PARAMETER_CALLED)
			break;
		wr_u8(&w, kind);
		wr_u8(&w, len);
		wr_bytes(&w, value, len);
		if (kind == PARAMETER_SIZE)
			continue;
		n += (size_t)snprintf(line + n, sizeof(line) - n,
		    kind == PARAMETER_CALLED ? " called=" : " calling=");
		for (uint8_t b = 0; b < len && n + 3 < sizeof(line); b++)
			n += (size_t)snprintf(line + n, sizeof(line) - n, "%02x", value[b]);
	}
	protocol_attribute(io, PROTOCOL_REQUEST, line, n < sizeof(line) ? n : sizeof(line) - 1);
	if (w.bad)
		return;
	reply[3] = (uint8_t)wr_len(&w);
	reply[4] = (uint8_t)(wr_len(&w) - TPKT_HEADER - 1);
	protocol_reply(io, reply, wr_len(&w));
}

/* ---- S7 ------------------------------------------------------------------------------------- */

static struct wr begin_reply(uint8_t *memory, size_t cap)
{
	struct wr w = wr_init(memory, cap);

	wr_bytes(&w, "\x03\0\0\0\x02\xf0\x80", 7);
	return w;
}

static void end_reply(struct protocol_io *io, struct wr *w)
{
	size_t len = wr_len(w);

	if (w->bad)
		return;
	w->start[2] = (uint8_t)(len >> 8);
	w->start[3] = (uint8_t)len;
	protocol_reply(io, w->start, len);
}

static void reply_setup(struct protocol_io *io, uint16_t reference, struct rd *parameter)
{
	uint8_t memory[32];
	struct wr w = begin_reply(memory, sizeof(memory));
	const uint8_t *jobs;
	uint16_t size;

	rd_skip(parameter, 1);
	jobs = rd_take(parameter, 4);
	size = rd_u16be(parameter);
	if (!jobs)
		return;
	wr_bytes(&w, "\x32\x03\0\0", 4);
	wr_u16be(&w, reference);
	wr_bytes(&w, "\0\x08\0\0\0\0\xf0\0\0\x01\0\x01", 12);
	wr_u16be(&w, size < PDU_SIZE ? size : PDU_SIZE);
	end_reply(io, &w);
}

/* Job refused: "access not allowed", class 0x85, code 0. */
static void reply_refusal(struct protocol_io *io, uint16_t reference, uint8_t function)
{
	uint8_t memory[24];
	struct wr w = begin_reply(memory, sizeof(memory));

	wr_bytes(&w, "\x32\x03\0\0", 4);
	wr_u16be(&w, reference);
	wr_bytes(&w, "\0\x01\0\0\x85\0", 6);
	wr_u8(&w, function);
	end_reply(io, &w);
}

/* Variables that are not there: each item's return code is 0x0a, "object does not exist". */
static void reply_items(struct protocol_io *io, uint16_t reference, uint8_t function, uint8_t count)
{
	uint8_t memory[24 + 4 * ITEMS_MAX];
	struct wr w = begin_reply(memory, sizeof(memory));
	uint16_t item_len = function == FUNCTION_READ ? 4 : 1;

	count = count < ITEMS_MAX ? count : ITEMS_MAX;
	wr_bytes(&w, "\x32\x03\0\0", 4);
	wr_u16be(&w, reference);
	wr_u16be(&w, 2);
	wr_u16be(&w, (uint16_t)(count * item_len));
	wr_u16be(&w, 0);
	wr_u8(&w, function);
	wr_u8(&w, count);
	for (uint8_t i = 0; i < count; i++)
		wr_bytes(&w, "\x0a\0\0\0", item_len);
	end_reply(io, &w);
}

/* A text in a field of fixed length, filled with a byte. */
static void write_padded(struct wr *w, const char *text, size_t len, uint8_t pad)
{
	size_t n = strnlen(text, len);

	wr_bytes(w, text, n);
	while (n++ < len)
		wr_u8(w, pad);
}

/* Order number, hardware and firmware: index, order number, kind, two words of version. */
static void write_module_list(struct protocol_io *io, struct wr *w)
{
	const char *order = protocol_persona(io, "s7.order");
	const char *version = protocol_persona(io, "s7.version"); /* "3.2.6" */

	wr_bytes(w, "\0\x1c\0\x03\0\x01", 6);
	write_padded(w, order, 20, ' ');
	wr_bytes(w, "\0\0\0\x01\0\x01\0\x06", 8);
	write_padded(w, order, 20, ' ');
	wr_bytes(w, "\0\0\0\x01\0\x01\0\x07", 8);
	write_padded(w, "", 20, ' ');
	wr_bytes(w, "\0\0V", 3);
	for (unsigned i = 0; i < 3; i++) {
		uint8_t part = 0;

		while (*version >= '0' && *version <= '9')
			part = (uint8_t)(10 * part + (*version++ - '0'));
		if (*version == '.')
			version++;
		wr_u8(w, part);
	}
}

/* Names of the station: index and a text each. */
static void write_component_list(struct protocol_io *io, struct wr *w)
{
	static const struct {
		uint8_t index;
		const char *key;
	} rows[] = {{1, "s7.system"}, {2, "s7.module"}, {4, "s7.copyright"}, {5, "s7.serial"},
		{7, "s7.type"}};

	wr_bytes(w, "\0\x22\0\x05", 4);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wr_u16be(w, rows[i].index);
		write_padded(w, protocol_persona(io, rows[i].key), 32, 0);
	}
}

static void reply_szl(struct protocol_io *io, uint16_t reference, uint16_t id, uint16_t index,
    uint8_t sequence)
{
	uint8_t memory[256];
	struct wr w = begin_reply(memory, sizeof(memory));
	uint8_t data[PDU_SIZE];
	struct wr d = wr_init(data, sizeof(data));
	bool known = id == SZL_MODULE || id == SZL_COMPONENT;

	if (known) {
		wr_u16be(&d, id);
		wr_u16be(&d, index);
		(id == SZL_MODULE ? write_module_list : write_component_list)(io, &d);
	}
	wr_bytes(&w, "\x32\x07\0\0", 4);
	wr_u16be(&w, reference);
	wr_u16be(&w, 12);
	wr_u16be(&w, (uint16_t)(4 + wr_len(&d)));
	wr_bytes(&w, "\0\x01\x12\x08\x12\x84\x01", 7);
	wr_u8(&w, sequence);
	wr_bytes(&w, "\0\0", 2); /* one unit, the last */
	wr_bytes(&w, known ? "\0\0" : "\xd4\x01", 2); /* d401: no such list */
	wr_bytes(&w, known ? "\xff\x09" : "\x0a\0", 2);
	wr_u16be(&w, (uint16_t)wr_len(&d));
	wr_bytes(&w, data, wr_len(&d));
	if (!d.bad)
		end_reply(io, &w);
}

static void job(struct protocol_io *io, uint16_t reference, struct rd *parameter)
{
	static const struct {
		uint8_t code;
		uint8_t event;
		const char *name;
	} jobs[] = {
		{FUNCTION_SETUP, EVENT_SETUP, "setup"}, {FUNCTION_READ, EVENT_READ, "read"},
		{FUNCTION_WRITE, EVENT_WRITE, "write"},
		{0x1a, EVENT_DOWNLOAD, "download-request"}, {0x1b, EVENT_DOWNLOAD, "download-block"},
		{0x1c, EVENT_DOWNLOAD, "download-end"}, {0x1d, EVENT_UPLOAD, "upload-start"},
		{0x1e, EVENT_UPLOAD, "upload"}, {0x1f, EVENT_UPLOAD, "upload-end"},
		{0x28, EVENT_START, "start"}, {0x29, EVENT_STOP, "stop"},
	};
	struct rd whole = *parameter;
	uint8_t code = rd_u8(parameter);
	char line[32];
	unsigned i = 0;

	while (i < sizeof(jobs) / sizeof(jobs[0]) && jobs[i].code != code)
		i++;
	if (i < sizeof(jobs) / sizeof(jobs[0])) {
		protocol_event(io, jobs[i].event);
		protocol_command(io, jobs[i].name, strlen(jobs[i].name));
	} else {
		protocol_event(io, EVENT_OTHER);
		(void)snprintf(line, sizeof(line), "job-%02x", code);
		protocol_command(io, line, strlen(line));
	}
	if (code == FUNCTION_SETUP)
		reply_setup(io, reference, &whole);
	else if (code == FUNCTION_READ || code == FUNCTION_WRITE)
		reply_items(io, reference, code, rd_u8(parameter));
	else
		reply_refusal(io, reference, code);
}

static void userdata(struct protocol_io *io, uint16_t reference, struct rd *parameter,
    struct rd *data)
{
	uint8_t group;
	uint8_t function;
	uint8_t sequence;
	uint16_t id;
	uint16_t index;
	char line[48];

	rd_skip(parameter, 5); /* head, length, method */
	group = rd_u8(parameter) & 0x0f;
	function = rd_u8(parameter);
	sequence = rd_u8(parameter);
	rd_skip(data, 4);
	id = rd_u16be(data);
	index = rd_u16be(data);
	if (parameter->bad) {
		protocol_event(io, EVENT_MALFORMED);
		return;
	}
	if (group != 4 || function != 1 || data->bad) {
		protocol_event(io, EVENT_OTHER);
		(void)snprintf(line, sizeof(line), "userdata-%x-%x", group, function);
		protocol_command(io, line, strlen(line));
		return;
	}
	protocol_event(io, EVENT_READ_SZL);
	(void)snprintf(line, sizeof(line), "read-szl 0x%04x index 0x%04x", id, index);
	protocol_command(io, line, strlen(line));
	reply_szl(io, reference, id, index, sequence);
}

static void s7(struct protocol_io *io, struct rd *r)
{
	uint8_t id = rd_u8(r);
	uint8_t kind = rd_u8(r);
	uint16_t reference;
	uint16_t parameter_len;
	uint16_t data_len;
	struct rd parameter;
	struct rd data;

	if (id == S7_PLUS_ID) {
		protocol_event(io, EVENT_PLUS);
		return;
	}
	rd_skip(r, 2);
	reference = rd_u16be(r);
	parameter_len = rd_u16be(r);
	data_len = rd_u16be(r);
	parameter = rd_sub(r, parameter_len);
	data = rd_sub(r, data_len < rd_left(r) ? data_len : rd_left(r));
	if (id != S7_ID || r->bad) {
		protocol_event(io, EVENT_MALFORMED);
		return;
	}
	if (kind == S7_JOB && parameter_len > 0)
		job(io, reference, &parameter);
	else if (kind == S7_USERDATA)
		userdata(io, reference, &parameter, &data);
	else
		protocol_event(io, EVENT_OTHER);
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t skip = state->skip < len ? state->skip : len;
	struct rd r = rd_init(data, len);
	uint16_t version;
	size_t n;
	uint8_t kind;

	if (skip > 0) {
		state->skip -= (uint32_t)skip;
		return skip;
	}
	version = rd_u16be(&r);
	n = rd_u16be(&r);
	if (r.bad)
		return 0;
	if (version >> 8 != 3 || n < TPKT_MIN) {
		protocol_event(io, EVENT_MALFORMED);
		io->hang_up = io->answering;
		state->skip = UINT32_MAX;
		return len;
	}
	if (n > len && !io->full)
		return 0;
	if (n > len) {
		state->skip = (uint32_t)(n - len);
		n = len;
	}
	r = rd_init(data + TPKT_HEADER + 1, n - TPKT_HEADER - 1);
	kind = rd_u8(&r) & 0xf0;
	if (kind == COTP_CR) {
		connection_request(io, &r);
	} else if (kind == COTP_DT) {
		rd_skip(&r, 1);
		if (rd_left(&r) > 0)
			s7(io, &r);
	}
	return n;
}

const struct protocol_module protocol_s7 = {
	.name = "s7",
	.title = "S7comm",
	.spec = "RFC 905, RFC 1006",
	.doc = "Connection requests, status lists, variables, start and stop of Siemens' S7 "
	       "controllers.  Answers identification; refuses the rest.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {102},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.reply_max = 256,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
};
