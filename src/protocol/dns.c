/*
 * DNS over UDP and TCP: which names are asked for, and which requests are meant to be reflected.
 *
 * Every query is refused: the answer is the request's header and question with REFUSED, so it is
 * never longer than the request.  What contradicts the format gets FORMERR, a bare header.
 * RFC 1035, 6891 (EDNS), 7766 (TCP).
 */
#include "base/rd.h"
#include "protocol/protocol.h"

#include <stdio.h>

enum {
	EVENT_QUERY,
	EVENT_ANY,
	EVENT_CHAOS,
	EVENT_OTHER,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_QUERY] = {"query", "standard query"},
	[EVENT_ANY] = {"query.any", "query for ANY: what amplification attacks ask"},
	[EVENT_CHAOS] = {"query.chaos", "query of class CH: version.bind and its like"},
	[EVENT_OTHER] = {"other", "STATUS, NOTIFY, UPDATE or another operation"},
	[EVENT_MALFORMED] = {"malformed", "message that contradicts the format"},
};

#define HEADER 12
#define NAME_MAX 255 /* RFC 1035 2.3.4, octets on the wire */
#define LABELS_MAX 128
#define MESSAGE_MAX 640 /* over TCP: longer ones are passed over */
#define TYPE_ANY 255
#define CLASS_CHAOS 3
#define RCODE_FORMERR 1
#define RCODE_NOTIMP 4
#define RCODE_REFUSED 5
#define PORT_NETBIOS 137
#define PORT_MDNS 5353
#define PORT_LLMNR 5355

struct state {
	uint16_t skip; /* of a message that is longer than the inbox */
	bool told;
};

struct question {
	char name[NAME_MAX + 2];
	size_t name_len;
	uint16_t type;
	uint16_t class;
	size_t end; /* octets of header and question */
};

static const struct {
	uint16_t type;
	const char *name;
} types[] = {
	{1, "A"}, {2, "NS"}, {5, "CNAME"}, {6, "SOA"}, {12, "PTR"}, {13, "HINFO"}, {15, "MX"},
	{16, "TXT"}, {28, "AAAA"}, {33, "SRV"}, {35, "NAPTR"}, {41, "OPT"}, {43, "DS"},
	{46, "RRSIG"}, {47, "NSEC"}, {48, "DNSKEY"}, {52, "TLSA"}, {64, "SVCB"}, {65, "HTTPS"},
	{99, "SPF"}, {251, "IXFR"}, {252, "AXFR"}, {255, "ANY"}, {257, "CAA"},
};

/* The labels as a name with dots; dots inside a label are written \. (RFC 4343 2.1). */
static bool take_name(struct rd *r, struct question *q)
{
	size_t octets = 0;

	q->name_len = 0;
	for (unsigned i = 0; i < LABELS_MAX; i++) {
		const uint8_t len = rd_u8(r);
		const uint8_t *label;

		if (r->bad || len > 63)
			return false;
		if (len == 0)
			return true;
		label = rd_take(r, len);
		octets += 1 + (size_t)len;
		if (!label || octets > NAME_MAX)
			return false;
		if (q->name_len > 0 && q->name_len < NAME_MAX)
			q->name[q->name_len++] = '.';
		for (size_t at = 0; at < len && q->name_len < NAME_MAX; at++) {
			if (label[at] == '.' || label[at] == '\\')
				q->name[q->name_len++] = '\\';
			q->name[q->name_len++] = (char)label[at];
		}
	}
	return false;
}

static bool take_question(const uint8_t *data, size_t len, struct question *q)
{
	struct rd r = rd_init(data, len);

	rd_skip(&r, HEADER);
	if (r.bad || !take_name(&r, q))
		return false;
	q->type = rd_u16be(&r);
	q->class = rd_u16be(&r);
	q->end = (size_t)(r.pos - data);
	return !r.bad;
}

/* A query with one question and no answers; LLMNR, mDNS and NetBIOS names look the same. */
static bool header_fits(const uint8_t *p, size_t len)
{
	return len >= HEADER && !(p[2] & 0x80) && (p[2] >> 3 & 15) == 0 && !(p[3] & 0x4f) &&
	       p[4] == 0 && p[5] == 1 && p[6] == 0 && p[7] == 0 && p[8] == 0 && p[9] == 0 &&
	       p[10] == 0 && p[11] <= 2;
}

static enum protocol_verdict probe_udp(const struct protocol_start *start)
{
	struct question q;

	if (start->hinted)
		return start->client_len >= HEADER && !(start->client[2] & 0x80) ? PROTOCOL_YES
		                                                                 : PROTOCOL_NO;
	if (start->port == PORT_NETBIOS || start->port == PORT_MDNS || start->port == PORT_LLMNR)
		return PROTOCOL_NO;
	if (!header_fits(start->client, start->client_len))
		return PROTOCOL_NO;
	if (!take_question(start->client, start->client_len, &q))
		return PROTOCOL_NO;
	return q.class == 1 || q.class == CLASS_CHAOS || q.class == 255 ? PROTOCOL_YES
	                                                                : PROTOCOL_NO;
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *p = start->client;
	size_t len = start->client_len;
	static const uint8_t counts[] = {0, 1, 0, 0, 0, 0, 0};

	if (start->transport == PROTOCOL_UDP)
		return probe_udp(start);
	if (start->hinted)
		return len == 0 || p[0] < 4 ? PROTOCOL_YES : PROTOCOL_NO;
	if (len == 0)
		return PROTOCOL_MORE;
	if (p[0] > 1)
		return PROTOCOL_NO;
	if (len > 1 && p[0] == 0 && p[1] < HEADER + 5)
		return PROTOCOL_NO;
	if (len > 4 && p[4] & 0xf8)
		return PROTOCOL_NO;
	if (len > 5 && p[5] & 0xcf)
		return PROTOCOL_NO;
	for (size_t i = 0; i < sizeof(counts) && 6 + i < len; i++)
		if (p[6 + i] != counts[i])
			return PROTOCOL_NO;
	if (len > 13 && p[13] > 2)
		return PROTOCOL_NO;
	if (len > 14 && p[14] > 63)
		return PROTOCOL_NO;
	return len > 14 ? PROTOCOL_YES : PROTOCOL_MORE;
}

/* Nearly every question has a type with a name; the others are TYPE and their number (RFC 3597). */
static void put_type(struct wr *w, uint16_t type)
{
	char number[16];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].type == type) {
			wr_bytes(w, types[i].name, strlen(types[i].name));
			return;
		}
	}
	(void)snprintf(number, sizeof(number), "TYPE%u", type);
	wr_bytes(w, number, strlen(number));
}

static void tell(struct protocol_io *io, const struct question *q)
{
	struct state *state = io->state;
	char text[NAME_MAX + 40];
	struct wr w = wr_init(text, sizeof(text));
	bool told = state->told;

	state->told = true;
	if (!protocol_texts(io))
		return;
	if (q->class == CLASS_CHAOS)
		wr_bytes(&w, "CH ", 3);
	put_type(&w, q->type);
	wr_u8(&w, ' ');
	wr_bytes(&w, q->name_len ? q->name : ".", q->name_len ? q->name_len : 1);
	protocol_command(io, text, wr_len(&w));
	if (!told)
		protocol_attribute(io, PROTOCOL_REQUEST, text, wr_len(&w));
}

/* The header with the answer's code, and the question when there is one. */
static void answer(struct protocol_io *io, const uint8_t *data, size_t question_len, uint8_t code)
{
	uint8_t reply[2 + HEADER + NAME_MAX + 8];
	struct wr w = wr_init(reply, sizeof(reply));

	if (!io->answering)
		return;
	if (io->transport == PROTOCOL_TCP)
		wr_u16be(&w, (uint16_t)(HEADER + question_len));
	wr_bytes(&w, data, 2);
	wr_u8(&w, 0x80 | (data[2] & 0x79)); /* operation and RD as asked */
	wr_u8(&w, code);
	wr_u16be(&w, question_len ? 1 : 0);
	wr_bytes(&w, "\0\0\0\0\0\0", 6);
	wr_bytes(&w, data + HEADER, question_len);
	if (!w.bad)
		protocol_reply(io, reply, wr_len(&w));
}

static void message(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct question q;

	if (len < HEADER || data[2] & 0x80) {
		protocol_event(io, EVENT_MALFORMED);
		return;
	}
	if (data[2] >> 3 & 15) {
		protocol_event(io, EVENT_OTHER);
		answer(io, data, 0, RCODE_NOTIMP);
		return;
	}
	if (data[4] != 0 || data[5] == 0 || !take_question(data, len, &q)) {
		protocol_event(io, EVENT_MALFORMED);
		answer(io, data, 0, RCODE_FORMERR);
		return;
	}
	protocol_event(io, EVENT_QUERY);
	if (q.type == TYPE_ANY)
		protocol_event(io, EVENT_ANY);
	if (q.class == CLASS_CHAOS)
		protocol_event(io, EVENT_CHAOS);
	tell(io, &q);
	answer(io, data, q.end - HEADER, RCODE_REFUSED);
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t size;

	if (io->transport == PROTOCOL_UDP) {
		message(io, data, len);
		return len;
	}
	if (state->skip > 0) {
		size = len < state->skip ? len : state->skip;
		state->skip = (uint16_t)(state->skip - size);
		return size;
	}
	if (len < 2)
		return 0;
	size = rd_at_u16be(data);
	if (len - 2 < size && !io->full)
		return 0;
	if (len - 2 < size) {
		protocol_event(io, EVENT_MALFORMED);
		state->skip = (uint16_t)(size - (len - 2));
		return len;
	}
	message(io, data + 2, size);
	return 2 + size;
}

const struct protocol_module protocol_dns = {
	.name = "dns",
	.title = "DNS",
	.spec = "RFC 1035, 6891, 7766",
	.doc = "Queries by type and name.  Answers REFUSED, never longer than the request.",
	.transports = PROTOCOL_TCP | PROTOCOL_UDP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {53},
	.udp_ports = {53},
	.state_size = sizeof(struct state),
	.client_inbox = MESSAGE_MAX,
	.reply_max = 300,
	.idle_s = 15,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {
		{{0, 0, 0xf8, 0x4f, 0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 0, 0, 1, 0, 0}},
	},
	.client = client,
};
