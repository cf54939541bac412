/*
 * Modbus over TCP: which unit, function and registers a visitor asks for or writes.
 *
 * A frame names its length, nothing else is unmistakable, so identification also checks that the
 * length fits the function.  Answering reads gives values that stay the same, writes are confirmed
 * and forgotten, device identification comes from the persona.
 * MODBUS Application Protocol 1.1b3; MODBUS Messaging on TCP/IP 1.0b.
 */
#include "base/hash.h"
#include "base/rd.h"
#include "protocol/line.h"

#include <stdio.h>

enum {
	EVENT_READ,
	EVENT_WRITE,
	EVENT_IDENTIFY,
	EVENT_DIAGNOSTICS,
	EVENT_UMAS,
	EVENT_OTHER,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_READ] = {"read", "coils, inputs, registers or files are read (1-4, 20, 24)"},
	[EVENT_WRITE] = {"write", "coils, registers or files are written (5, 6, 15, 16, 21-23)"},
	[EVENT_IDENTIFY] = {"identify", "device identification or server id (43/14, 17)"},
	[EVENT_DIAGNOSTICS] = {"diagnostics", "status, counters, diagnostics (7, 8, 11, 12)"},
	[EVENT_UMAS] = {"umas", "UMAS, Schneider's programming protocol (90)"},
	[EVENT_OTHER] = {"other", "another function"},
	[EVENT_MALFORMED] = {"malformed", "frame that contradicts the standard"},
};

#define HEADER_LEN 6     /* transaction, protocol 0, length */
#define LENGTH_MIN 2     /* unit and function */
#define LENGTH_MAX 254
#define UMAS 90
#define UMAS_LENGTH_MAX 4096 /* Schneider's frames are longer than the standard's */
#define INBOX (HEADER_LEN + LENGTH_MAX)
#define BITS_MAX 2000
#define REGISTERS_MAX 125
#define ILLEGAL_FUNCTION 1
#define ILLEGAL_ADDRESS 2
#define ILLEGAL_VALUE 3
#define MEI_DEVICE 14
#define OBJECT_MAX 60

struct state {
	uint16_t skip; /* bytes of an over-long frame still to come */
	bool lost;     /* frames cannot be told apart any more */
};

struct function {
	uint8_t code;
	uint8_t event;
	uint8_t exact_len; /* of unit, function and data; 0: at least min_len */
	uint8_t min_len;
	const char *name;
};

static const struct function functions[] = {
	{1, EVENT_READ, 6, 0, "read-coils"},
	{2, EVENT_READ, 6, 0, "read-discrete-inputs"},
	{3, EVENT_READ, 6, 0, "read-holding-registers"},
	{4, EVENT_READ, 6, 0, "read-input-registers"},
	{5, EVENT_WRITE, 6, 0, "write-coil"},
	{6, EVENT_WRITE, 6, 0, "write-register"},
	{7, EVENT_DIAGNOSTICS, 2, 0, "read-exception-status"},
	{8, EVENT_DIAGNOSTICS, 0, 4, "diagnostics"},
	{11, EVENT_DIAGNOSTICS, 2, 0, "event-counter"},
	{12, EVENT_DIAGNOSTICS, 2, 0, "event-log"},
	{15, EVENT_WRITE, 0, 8, "write-coils"},
	{16, EVENT_WRITE, 0, 9, "write-registers"},
	{17, EVENT_IDENTIFY, 2, 0, "report-server-id"},
	{20, EVENT_READ, 0, 10, "read-file"},
	{21, EVENT_WRITE, 0, 12, "write-file"},
	{22, EVENT_WRITE, 8, 0, "mask-write-register"},
	{23, EVENT_WRITE, 0, 13, "read-write-registers"},
	{24, EVENT_READ, 4, 0, "read-fifo"},
	{43, EVENT_IDENTIFY, 0, 5, "device-identification"},
	{UMAS, EVENT_UMAS, 0, 4, "umas"},
};

static const struct function *find_function(uint8_t code)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (functions[i].code == code)
			return &functions[i];
	return NULL;
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	struct rd r = rd_init(start->client, start->client_len);
	const struct function *f;
	uint16_t len;

	rd_skip(&r, 2);
	if ((start->client_len > 2 && start->client[2]) || (start->client_len > 3 && start->client[3]))
		return PROTOCOL_NO;
	rd_skip(&r, 2);
	len = rd_u16be(&r);
	if (!r.bad && (len < LENGTH_MIN || len > LENGTH_MAX))
		return PROTOCOL_NO;
	rd_skip(&r, 1);
	f = find_function(rd_u8(&r));
	if (r.bad)
		return PROTOCOL_MORE;
	if (start->hinted)
		return PROTOCOL_YES;
	return f && (f->exact_len ? len == f->exact_len : len >= f->min_len) ? PROTOCOL_YES
	                                                                     : PROTOCOL_NO;
}

/* ---- replies -------------------------------------------------------------------------------- */

struct request {
	const uint8_t *head; /* transaction and protocol */
	uint8_t unit;
	uint8_t code;
	uint16_t address;
	uint16_t count;
};

static void reply(struct protocol_io *io, const struct request *q, const uint8_t *data, size_t len)
{
	uint8_t memory[INBOX];
	struct wr w = wr_init(memory, sizeof(memory));

	wr_bytes(&w, q->head, 4);
	wr_u16be(&w, (uint16_t)(2 + len));
	wr_u8(&w, q->unit);
	wr_u8(&w, q->code);
	wr_bytes(&w, data, len);
	if (!w.bad)
		protocol_reply(io, memory, wr_len(&w));
}

static void reply_exception(struct protocol_io *io, const struct request *q, uint8_t why)
{
	struct request exception = *q;

	exception.code |= 0x80;
	reply(io, &exception, &why, 1);
}

/* A register's value: mostly zero, a few that look measured, always the same here. */
static uint16_t register_value(const struct protocol_io *io, const struct request *q, uint16_t at)
{
	const char *model = protocol_persona(io, "modbus.product");
	uint64_t h = hash_pair(hash_fnv32(model, strlen(model)),
	    (uint64_t)q->unit << 24 | (uint64_t)q->code << 16 | at);

	return h % 3 ? 0 : (uint16_t)(h >> 32) % 1000;
}

static void reply_read(struct protocol_io *io, const struct request *q)
{
	uint8_t data[1 + 2 * REGISTERS_MAX];
	struct wr w = wr_init(data, sizeof(data));
	bool bits = q->code <= 2;

	if (q->count == 0 || q->count > (bits ? BITS_MAX : REGISTERS_MAX)) {
		reply_exception(io, q, ILLEGAL_VALUE);
		return;
	}
	if ((uint32_t)q->address + q->count > 10000) {
		reply_exception(io, q, ILLEGAL_ADDRESS);
		return;
	}
	wr_u8(&w, (uint8_t)(bits ? (q->count + 7) / 8 : 2 * q->count));
	for (int i = 0; i < (bits ? (q->count + 7) / 8 : q->count); i++) {
		if (bits)
			wr_u8(&w, 0);
		else
			wr_u16be(&w, register_value(io, q, (uint16_t)(q->address + i)));
	}
	if (!w.bad)
		reply(io, q, data, wr_len(&w));
}

/* Basic identification: vendor, product, version; one object when only that is asked for. */
static void reply_identification(struct protocol_io *io, const struct request *q,
    const uint8_t *data)
{
	static const char *const keys[] = {"modbus.vendor", "modbus.product", "modbus.version"};
	uint8_t out[LENGTH_MAX];
	struct wr w = wr_init(out, sizeof(out));
	uint8_t kind = data[1];
	uint8_t first = data[2];

	if (data[0] != MEI_DEVICE || kind == 0 || kind > 4) {
		reply_exception(io, q, data[0] != MEI_DEVICE ? ILLEGAL_FUNCTION : ILLEGAL_VALUE);
		return;
	}
	if (first > 2 && kind == 4) {
		reply_exception(io, q, ILLEGAL_ADDRESS);
		return;
	}
	if (first > 2)
		first = 0;
	wr_u8(&w, MEI_DEVICE);
	wr_u8(&w, kind);
	wr_bytes(&w, "\x81\x00\x00", 3); /* basic, also one by one; nothing follows */
	wr_u8(&w, kind == 4 ? 1 : (uint8_t)(3 - first));
	for (int i = first; i < (kind == 4 ? first + 1 : 3); i++) {
		const char *text = protocol_persona(io, keys[i]);
		size_t len = strnlen(text, OBJECT_MAX);

		wr_u8(&w, (uint8_t)i);
		wr_u8(&w, (uint8_t)len);
		wr_bytes(&w, text, len);
	}
	if (!w.bad)
		reply(io, q, out, wr_len(&w));
}

static void reply_server_id(struct protocol_io *io, const struct request *q)
{
	const char *product = protocol_persona(io, "modbus.product");
	uint8_t out[OBJECT_MAX + 2];
	struct wr w = wr_init(out, sizeof(out));
	size_t len = strnlen(product, OBJECT_MAX);

	wr_u8(&w, (uint8_t)(len + 1));
	wr_bytes(&w, product, len);
	wr_u8(&w, 0xff); /* running */
	reply(io, q, out, wr_len(&w));
}

static void answer(struct protocol_io *io, const struct request *q, const uint8_t *data, size_t len)
{
	if (q->code >= 1 && q->code <= 4 && len == 4)
		reply_read(io, q);
	else if ((q->code == 5 || q->code == 6 || q->code == 8 || q->code == 22) && len >= 4)
		reply(io, q, data, len);
	else if ((q->code == 15 || q->code == 16) && len >= 6)
		reply(io, q, data, 4);
	else if (q->code == 17)
		reply_server_id(io, q);
	else if (q->code == 43 && len == 3)
		reply_identification(io, q, data);
	else
		reply_exception(io, q, ILLEGAL_FUNCTION);
}

/* ---- requests ------------------------------------------------------------------------------- */

static void request(struct protocol_io *io, const uint8_t *head, struct rd *r)
{
	struct request q = {.head = head, .unit = rd_u8(r), .code = rd_u8(r)};
	const struct function *f = find_function(q.code);
	size_t len = rd_left(r);
	const uint8_t *data = rd_take(r, len);
	char line[96];

	if (!data)
		return;
	if (f && (f->exact_len ? len + 2 != f->exact_len : len + 2 < f->min_len)) {
		protocol_event(io, EVENT_MALFORMED);
		reply_exception(io, &q, ILLEGAL_VALUE);
		return;
	}
	if (len >= 4) {
		q.address = rd_at_u16be(data);
		q.count = rd_at_u16be(data + 2);
	}
	protocol_event(io, f ? f->event : EVENT_OTHER);
	if (f && (q.code <= 6 || q.code == 15 || q.code == 16 || q.code == 23))
		(void)snprintf(line, sizeof(line), "%s unit=%u address=%u %s=%u", f->name, q.unit,
		    q.address, q.code == 5 || q.code == 6 ? "value" : "count", q.count);
	else if (f)
		(void)snprintf(line, sizeof(line), "%s unit=%u", f->name, q.unit);
	else
		(void)snprintf(line, sizeof(line), "function-%u unit=%u", q.code, q.unit);
	protocol_command(io, line, strlen(line));
	if (io->answering)
		answer(io, &q, data, len);
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);
	uint16_t protocol;
	uint16_t left;
	struct rd body;
	bool over_long;

	if (state->lost)
		return len;
	if (state->skip > 0) {
		len = len < state->skip ? len : state->skip;
		state->skip = (uint16_t)(state->skip - len);
		return len;
	}
	rd_skip(&r, 2);
	protocol = rd_u16be(&r);
	left = rd_u16be(&r);
	if (r.bad)
		return 0;
	over_long = protocol == 0 && left > LENGTH_MAX && left <= UMAS_LENGTH_MAX;
	if (over_long && len < HEADER_LEN + 2)
		return 0;
	if (over_long && data[HEADER_LEN + 1] == UMAS) {
		if (len < INBOX)
			return 0;
		state->skip = (uint16_t)(HEADER_LEN + left - INBOX);
		left = LENGTH_MAX;
	}
	if (protocol != 0 || left < LENGTH_MIN || left > LENGTH_MAX) {
		protocol_event(io, EVENT_MALFORMED);
		io->hang_up = io->answering;
		state->lost = true;
		return len;
	}
	if (rd_left(&r) < left)
		return 0;
	body = rd_sub(&r, left);
	request(io, data, &body);
	return HEADER_LEN + left;
}

const struct protocol_module protocol_modbus = {
	.name = "modbus",
	.title = "Modbus",
	.spec = "MODBUS Application Protocol 1.1b3, MODBUS on TCP/IP 1.0b",
	.doc = "Functions, units, addresses and values asked for and written.  Answers as a small "
	       "controller of the persona.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {502},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.reply_max = INBOX,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
};
