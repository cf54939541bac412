/*
 * SNMP v1, v2c and v3: which communities and users are tried, what is asked for.
 *
 * A community is a login with an empty user.  Only `public` is answered, as agents keep silent to
 * others: with the request itself, its error or its values changed to "no such", so the answer has
 * the request's length.  RFC 1157, 3416, 3412, 3414.
 */
#include "protocol/ber.h"
#include "protocol/protocol.h"

#include <stdio.h>

enum {
	EVENT_REQUEST,
	EVENT_BULK,
	EVENT_SET,
	EVENT_DISCOVERY,
	EVENT_TRAP,
};

static const struct protocol_event_name events[] = {
	[EVENT_REQUEST] = {"request", "GetRequest or GetNextRequest"},
	[EVENT_BULK] = {"request.bulk", "GetBulkRequest: what amplification attacks send"},
	[EVENT_SET] = {"set", "SetRequest: something is to be changed"},
	[EVENT_DISCOVERY] = {"discovery", "v3 without a user: the engine is asked for"},
	[EVENT_TRAP] = {"trap", "a trap or inform"},
};

enum { VERSION_1 = 0, VERSION_2C = 1, VERSION_3 = 3 };
enum { PDU_GET = 0xa0, PDU_NEXT = 0xa1, PDU_RESPONSE = 0xa2, PDU_SET = 0xa3, PDU_TRAP = 0xa4,
	PDU_BULK = 0xa5, PDU_INFORM = 0xa6, PDU_TRAP_2 = 0xa7 };
enum { INTEGER = 0x02, OCTETS = 0x04, NIL = 0x05, OID = 0x06, SEQUENCE = 0x30,
	NO_SUCH_OBJECT = 0x80 };

#define ERROR_NO_SUCH_NAME 2
#define BINDINGS_MAX 32
#define OID_TEXT_MAX 256
#define REPLY_MAX 1400

struct message {
	uint32_t version;
	struct rd community; /* v3: the user's name */
	uint8_t pdu;         /* 0: v3, its PDU is not looked at */
	const uint8_t *pdu_at;
	struct rd body;
};

/* v3: SEQUENCE of header data, then security parameters in an OCTET STRING. */
static bool take_v3(struct rd *r, struct message *m)
{
	struct rd parameters;
	struct rd usm;

	(void)ber_expect(r, SEQUENCE);
	parameters = ber_expect(r, OCTETS);
	usm = ber_expect(&parameters, SEQUENCE);
	(void)ber_expect(&usm, OCTETS); /* engine */
	(void)ber_number(&usm, INTEGER);
	(void)ber_number(&usm, INTEGER);
	m->community = ber_expect(&usm, OCTETS);
	return !r->bad && !parameters.bad && !usm.bad;
}

static bool take_message(const uint8_t *data, size_t len, struct message *m)
{
	struct rd outer = rd_init(data, len);
	struct rd r = ber_expect(&outer, SEQUENCE);

	*m = (struct message){.version = ber_number(&r, INTEGER)};
	if (outer.bad || r.bad)
		return false;
	if (m->version == VERSION_3)
		return take_v3(&r, m);
	if (m->version > VERSION_2C)
		return false;
	m->community = ber_expect(&r, OCTETS);
	if (r.bad)
		return false;
	m->pdu_at = r.pos;
	m->pdu = ber_take(&r, &m->body);
	return !r.bad && m->pdu >= PDU_GET && m->pdu <= 0xa8;
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	struct message m;

	if (start->client_len < 8 || !take_message(start->client, start->client_len, &m))
		return PROTOCOL_NO;
	return m.pdu != PDU_RESPONSE ? PROTOCOL_YES : PROTOCOL_NO;
}

/* An object identifier as digits and dots (X.690 8.19). */
static void put_oid(struct wr *w, struct rd oid)
{
	uint32_t value = 0;
	bool first = true;
	char text[24];
	int n;

	while (rd_left(&oid) > 0) {
		const uint8_t octet = rd_u8(&oid);

		value = value << 7 | (octet & 0x7f);
		if (octet & 0x80)
			continue;
		if (first && value < 80)
			n = snprintf(text, sizeof(text), "%u.%u", value / 40, value % 40);
		else if (first)
			n = snprintf(text, sizeof(text), "2.%u", value - 80);
		else
			n = snprintf(text, sizeof(text), ".%u", value);
		if (n > 0)
			wr_bytes(w, text, (size_t)n);
		first = false;
		value = 0;
	}
}

static void tell_request(struct protocol_io *io, const struct message *m)
{
	static const char *const names[] = {"get", "getnext", "response", "set", "trap", "getbulk",
		"inform", "trap", "report"};
	char text[OID_TEXT_MAX];
	struct wr w = wr_init(text, sizeof(text));
	struct rd body = m->body;
	struct rd bindings;

	if (!protocol_texts(io))
		return;
	wr_bytes(&w, names[m->pdu - PDU_GET], strlen(names[m->pdu - PDU_GET]));
	(void)ber_number(&body, INTEGER);
	(void)ber_number(&body, INTEGER);
	(void)ber_number(&body, INTEGER);
	bindings = ber_expect(&body, SEQUENCE);
	for (unsigned i = 0; i < BINDINGS_MAX && rd_left(&bindings) > 0 && !bindings.bad; i++) {
		struct rd binding = ber_expect(&bindings, SEQUENCE);
		struct rd oid = ber_expect(&binding, OID);

		if (bindings.bad || binding.bad)
			break;
		wr_u8(&w, ' ');
		put_oid(&w, oid);
	}
	protocol_attribute(io, PROTOCOL_REQUEST, text, wr_len(&w));
	protocol_command(io, text, wr_len(&w));
}

/* Changes every value NULL of the bindings to noSuchObject; both are two octets. */
static void change_values(uint8_t *reply, const uint8_t *data, struct rd bindings)
{
	for (unsigned i = 0; i < BINDINGS_MAX && rd_left(&bindings) > 0; i++) {
		struct rd binding = ber_expect(&bindings, SEQUENCE);

		(void)ber_expect(&binding, OID);
		if (bindings.bad || binding.bad || rd_left(&binding) < 2)
			return;
		if (binding.pos[0] == NIL && binding.pos[1] == 0)
			reply[binding.pos - data] = NO_SUCH_OBJECT;
	}
}

/* The request as a response.  v1 names the first binding as unknown, v2c answers each; of GetBulk
 * the two numbers become error status and index. */
static void answer(struct protocol_io *io, const struct message *m, const uint8_t *data, size_t len)
{
	uint8_t reply[REPLY_MAX];
	struct rd body = m->body;
	struct rd status;
	struct rd index;

	if (!io->answering || len > sizeof(reply) || m->pdu == PDU_TRAP || m->pdu > PDU_BULK ||
	    m->pdu == PDU_RESPONSE)
		return;
	(void)ber_number(&body, INTEGER);
	status = ber_expect(&body, INTEGER);
	index = ber_expect(&body, INTEGER);
	if (body.bad || rd_left(&status) == 0 || rd_left(&index) == 0)
		return;
	memcpy(reply, data, len);
	reply[m->pdu_at - data] = PDU_RESPONSE;
	memset(reply + (status.pos - data), 0, rd_left(&status));
	memset(reply + (index.pos - data), 0, rd_left(&index));
	if (m->version == VERSION_1 || m->pdu == PDU_SET) {
		reply[status.end - 1 - data] = m->version == VERSION_1 ? ERROR_NO_SUCH_NAME : 17;
		reply[index.end - 1 - data] = 1;
	} else {
		change_values(reply, data, ber_expect(&body, SEQUENCE));
	}
	protocol_reply(io, reply, len);
}

static void tell_event(struct protocol_io *io, const struct message *m)
{
	switch (m->pdu) {
	case PDU_GET:
	case PDU_NEXT:
		protocol_event(io, EVENT_REQUEST);
		break;
	case PDU_BULK:
		protocol_event(io, EVENT_REQUEST);
		protocol_event(io, EVENT_BULK);
		break;
	case PDU_SET:
		protocol_event(io, EVENT_SET);
		break;
	default:
		protocol_event(io, EVENT_TRAP);
		break;
	}
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	const struct protocol_text none = PROTOCOL_LITERAL("");
	struct protocol_text community;
	struct message m;
	bool accepted;

	if (!take_message(data, len, &m) || m.pdu == PDU_RESPONSE)
		return len;
	community = (struct protocol_text){(const char *)m.community.pos, rd_left(&m.community)};
	if (m.version == VERSION_3) {
		if (community.len == 0)
			protocol_event(io, EVENT_DISCOVERY);
		else
			protocol_login(io, community, none, PROTOCOL_SECRET_NONE, "v3",
			    io->answering ? PROTOCOL_REFUSED : PROTOCOL_OUTCOME_UNKNOWN);
		return len;
	}
	accepted = community.len == 6 && memcmp(community.data, "public", 6) == 0;
	tell_event(io, &m);
	protocol_login(io, none, community, PROTOCOL_SECRET_PASSWORD,
	    m.version == VERSION_1 ? "v1" : "v2c", !io->answering ? PROTOCOL_OUTCOME_UNKNOWN
	    : accepted ? PROTOCOL_ACCEPTED : PROTOCOL_REFUSED);
	tell_request(io, &m);
	if (accepted)
		answer(io, &m, data, len);
	return len;
}

const struct protocol_module protocol_snmp = {
	.name = "snmp",
	.title = "SNMP",
	.spec = "RFC 1157, 3416, 3412, 3414",
	.doc = "Communities as logins with an empty user, v3 users, object identifiers.  Answers "
	       "`public` with \"no such object\", in the request's length.",
	.transports = PROTOCOL_UDP,
	.speaks_first = PROTOCOL_CLIENT,
	.udp_ports = {161},
	.state_size = 1,
	.client_inbox = 1,
	.reply_max = REPLY_MAX,
	.idle_s = 10,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {
		{{0xff}, {SEQUENCE}},
	},
	.client = client,
};
