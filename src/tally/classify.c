/* Classes; the contract is in classify.h. */
#include "tally/classify.h"

#include "base/civil.h"
#include "base/rd.h"
#include "fingerprint/marks.h"

#define UDP_CLIENT_PORT_MIN 1024
#define QUIC_LONG_LEAST 7 /* bytes: flags, version, two lengths */
#define QUIC_ID_MAX 20

static struct conversation_key key_of(const struct decode_packet *p)
{
	bool has_ports = p->proto == DECODE_PROTO_TCP || p->proto == DECODE_PROTO_UDP;

	return (struct conversation_key){
		.src = p->src,
		.dst = p->dst,
		.sport = has_ports ? p->sport : 0,
		.dport = has_ports ? p->dport : 0,
		.proto = p->proto,
	};
}

/* The conversation of the datagram that an ICMP error quotes, in its own direction. */
static struct conversation_key key_of_quote(const struct decode_packet *p)
{
	bool has_ports = p->flags & DECODE_QUOTED_PORTS;

	return (struct conversation_key){
		.src = p->quoted_src,
		.dst = p->quoted_dst,
		.sport = has_ports ? p->quoted_sport : 0,
		.dport = has_ports ? p->quoted_dport : 0,
		.proto = p->quoted_proto,
	};
}

static uint32_t seconds_of(const struct decode_packet *p)
{
	return (uint32_t)(p->time_us / CIVIL_US_PER_SECOND);
}

static enum record_class class_tcp(const struct decode_packet *p, unsigned known)
{
	unsigned flags = p->tcp_flags & MARKS_SYN_MASK;

	if (flags == DECODE_TCP_SYN)
		return RECORD_CLASS_REQUEST;
	if ((flags & (DECODE_TCP_SYN | DECODE_TCP_ACK)) == (DECODE_TCP_SYN | DECODE_TCP_ACK)
	    || flags & DECODE_TCP_RST)
		return known & CONVERSATION_SEEN_BACK ? RECORD_CLASS_OTHER : RECORD_CLASS_BACKSCATTER;
	if (flags & DECODE_TCP_SYN || !(flags & DECODE_TCP_ACK))
		return RECORD_CLASS_OTHER; /* no stack sends that */
	if (known & CONVERSATION_SEEN_BACK && !(known & CONVERSATION_OPENED_THERE))
		return RECORD_CLASS_FOLLOWUP;
	return RECORD_CLASS_OTHER;
}

/* Does the datagram look like the answer of a service to a client? */
/*
 * A QUIC server's long header (RFC 8999 5.1, RFC 9000 17.2): of a version that is spoken (1, 2, their
 * drafts, Meta's and Google's own) with the fixed bit, or a version negotiation, whose version is 0.  A
 * server always names a connection of its own; who asks is not told apart by that, but asks port
 * 443, and does not come from there.
 */
static bool is_quic_reply(const uint8_t *payload, size_t len)
{
	uint32_t version;
	size_t own;

	if (len < QUIC_LONG_LEAST || !(payload[0] & 0x80) || payload[5] > QUIC_ID_MAX)
		return false;
	version = rd_at_u32be(payload + 1);
	own = 6u + payload[5];
	if (own >= len || payload[own] == 0 || payload[own] > QUIC_ID_MAX)
		return false;
	if (version == 0)
		return true;
	return payload[0] & 0x40 && (version == 1 || version == 0x6b3343cf
	    || version >> 8 == 0xff0000 || version >> 8 == 0xfaceb0 || version >> 24 == 'Q'
	    || version >> 24 == 'T');
}

static bool is_udp_response(const struct decode_packet *p)
{
	const uint8_t *payload = p->data + p->payload_offset;
	bool has_bytes = p->payload_len >= 4;

	if (p->dport < UDP_CLIENT_PORT_MIN || p->dport == p->sport)
		return false;
	switch (p->sport) {
	case 53:
		return has_bytes && payload[2] & 0x80; /* QR: RFC 1035 4.1.1 */
	case 123:
		/* Mode 4 server, mode 6 or 7 with the response bit: RFC 5905, RFC 9327. */
		return has_bytes && ((payload[0] & 7) == 4
		    || ((payload[0] & 7) == 6 && payload[1] & 0x80)
		    || ((payload[0] & 7) == 7 && payload[0] & 0x80));
	case 443:
		return is_quic_reply(payload, p->payload_len);
	case 19:
	case 161:
	case 389:
	case 1900:
	case 11211:
		return true;
	default:
		return false;
	}
}

static enum record_class class_udp(const struct decode_packet *p, unsigned known)
{
	if (known & CONVERSATION_SEEN_BACK)
		return known & CONVERSATION_OPENED_THERE ? RECORD_CLASS_OTHER : RECORD_CLASS_FOLLOWUP;
	return is_udp_response(p) ? RECORD_CLASS_BACKSCATTER : RECORD_CLASS_REQUEST;
}

static bool is_icmp_reply(const struct decode_packet *p)
{
	if (p->flags & DECODE_V4)
		return p->icmp_type == 0 || p->icmp_type == 14 || p->icmp_type == 16
		    || p->icmp_type == 18;
	return p->icmp_type == 129 || p->icmp_type == 140 || p->icmp_type == 161;
}

/* Neighbours, routers and multicast groups of a link (RFC 4861, RFC 2710 …) ask nobody anything. */
static bool is_icmp_request(const struct decode_packet *p)
{
	if (p->flags & DECODE_V4)
		return true;
	return p->icmp_type == 128 || p->icmp_type == 139 || p->icmp_type == 160;
}

static bool is_icmp_error(const struct decode_packet *p)
{
	if (p->flags & DECODE_V4)
		return p->icmp_type == 3 || p->icmp_type == 4 || p->icmp_type == 5
		    || p->icmp_type == 11 || p->icmp_type == 12;
	return p->icmp_type < 128;
}

static bool is_icmp(const struct decode_packet *p)
{
	return p->flags & DECODE_TRANSPORT
	    && (p->proto == DECODE_PROTO_ICMP || p->proto == DECODE_PROTO_ICMPV6);
}

static enum record_class class_icmp(const struct conversation_memory *memory,
    const struct decode_packet *p, unsigned known)
{
	if (is_icmp_error(p)) {
		struct conversation_key key = key_of_quote(p);

		if (!(p->flags & DECODE_QUOTED))
			return RECORD_CLASS_OTHER;
		if (memory && conversation_look(memory, &key) & CONVERSATION_SEEN_AHEAD)
			return RECORD_CLASS_OTHER; /* answers what was really sent */
		return RECORD_CLASS_BACKSCATTER;
	}
	if (is_icmp_reply(p))
		return known & CONVERSATION_SEEN_BACK ? RECORD_CLASS_OTHER : RECORD_CLASS_BACKSCATTER;
	return is_icmp_request(p) ? RECORD_CLASS_REQUEST : RECORD_CLASS_OTHER;
}

/* Whom the backscatter comes from and what of theirs was attacked (corsaro's reading). */
static void find_victim(const struct decode_packet *p, struct classify_result *result)
{
	if (is_icmp(p) && is_icmp_error(p)) {
		result->victim = p->quoted_dst;
		result->attack_proto = p->quoted_proto;
		result->port = p->flags & DECODE_QUOTED_PORTS ? p->quoted_dport : 0;
		return;
	}
	result->victim = p->src;
	result->attack_proto = p->proto;
	result->port = is_icmp(p) ? 0 : p->sport;
}

void classify_packet(struct conversation_memory *memory, bool remember,
    const struct decode_packet *p, struct classify_result *ret_result)
{
	unsigned known = 0;

	ret_result->port = p->dport;
	if (memory) {
		struct conversation_key key = key_of(p);

		if (remember) {
			bool opens = p->proto == DECODE_PROTO_TCP ? marks_is_syn(p)
			    : p->proto == DECODE_PROTO_UDP ? !is_udp_response(p)
			    : is_icmp(p) && !is_icmp_reply(p) && !is_icmp_error(p);

			known = conversation_note(memory, &key, opens, seconds_of(p));
		} else if (!marks_is_syn(p)) {
			known = conversation_look(memory, &key);
		}
	}
	switch (p->proto) {
	case DECODE_PROTO_TCP:
		ret_result->class = class_tcp(p, known);
		break;
	case DECODE_PROTO_UDP:
		ret_result->class = class_udp(p, known);
		break;
	case DECODE_PROTO_ICMP:
	case DECODE_PROTO_ICMPV6:
		ret_result->class = is_icmp(p) ? class_icmp(memory, p, known) : RECORD_CLASS_OTHER;
		break;
	default:
		ret_result->class = RECORD_CLASS_OTHER;
		break;
	}
	if (ret_result->class == RECORD_CLASS_BACKSCATTER)
		find_victim(p, ret_result);
}

void classify_outbound(struct conversation_memory *memory, const struct decode_packet *p)
{
	struct conversation_key key = key_of(p);
	bool opens;

	/* Inbound requests are not remembered, so who opened it is read off the packet itself. */
	if (p->proto == DECODE_PROTO_TCP)
		opens = marks_is_syn(p);
	else if (p->proto == DECODE_PROTO_UDP)
		opens = p->sport > p->dport;
	else
		opens = is_icmp(p) && !is_icmp_reply(p) && !is_icmp_error(p);
	(void)conversation_note(memory, &key, opens, seconds_of(p));
}

void classify_prefetch(const struct conversation_memory *memory, const struct decode_packet *p)
{
	struct conversation_key key = key_of(p);

	conversation_prefetch(memory, &key);
}
