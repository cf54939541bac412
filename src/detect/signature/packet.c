/*
 * A packet as rules see it; the contract is in packet.h.
 *
 * IPv4 (RFC 791), IPv6 (RFC 8200), TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792, 4443), GRE
 * (RFC 2784, 2890), VXLAN (RFC 7348), Geneve (RFC 8926), Teredo (RFC 4380), 6in4 (RFC 4213).
 */
#include "detect/signature/packet.h"

#include "base/rd.h"
#include "detect/signature/events.h"

#include <string.h>

#define PROTO_HOPOPT 0
#define PROTO_ICMP 1
#define PROTO_IPIP 4
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_IPV6 41
#define PROTO_ROUTING 43
#define PROTO_FRAGMENT 44
#define PROTO_GRE 47
#define PROTO_AH 51
#define PROTO_ICMPV6 58
#define PROTO_DESTINATION 60
#define PROTO_MOBILITY 135
#define PROTO_HIP 139
#define PROTO_SHIM6 140

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_BRIDGE 0x6558
#define ETHERTYPE_ERSPAN 0x88be
#define ETHERTYPE_PPP 0x880b

#define PORT_TEREDO 3544
#define PORT_VXLAN 4789
#define PORT_GENEVE 6081

#define EXTENSIONS_MAX 16
#define TCP_OPTION_TIMESTAMPS 8
#define TCP_OPTION_FAST_OPEN 34
#define TCP_OPTION_EXPERIMENT 254
#define EXPERIMENT_FAST_OPEN 0xf989 /* RFC 7413 appendix A */

static uint8_t rule_proto(uint8_t proto)
{
	switch (proto) {
	case PROTO_TCP:
		return RULE_PROTO_TCP;
	case PROTO_UDP:
		return RULE_PROTO_UDP;
	case PROTO_ICMP:
		return RULE_PROTO_ICMP;
	case PROTO_ICMPV6:
		return RULE_PROTO_ICMPV6;
	default:
		return RULE_PROTO_OTHER;
	}
}

static bool parse_tcp(struct packet *p, const uint8_t *h, size_t len)
{
	size_t header;

	if (len < 20)
		return false;
	header = (size_t)(h[12] >> 4) * 4;
	if (header < 20 || header > len)
		return false;
	p->sport = rd_at_u16be(h);
	p->dport = rd_at_u16be(h + 2);
	p->seq = rd_at_u32be(h + 4);
	p->ack = rd_at_u32be(h + 8);
	p->tcp_flags = h[13];
	p->window = rd_at_u16be(h + 14);
	p->has_ports = true;
	p->transport_len = (uint32_t)header;
	for (size_t i = 20; i < header;) {
		size_t n = h[i] <= 1 ? 1 : i + 1 < header ? h[i + 1] : 0;

		if (h[i] == 0 || n == 0 || (h[i] > 1 && n < 2))
			break;
		p->fast_open = p->fast_open || h[i] == TCP_OPTION_FAST_OPEN
		    || (h[i] == TCP_OPTION_EXPERIMENT && n >= 4 && i + 4 <= header
		        && rd_at_u16be(h + i + 2) == EXPERIMENT_FAST_OPEN);
		if (h[i] == TCP_OPTION_TIMESTAMPS && n == 10 && i + 10 <= header) {
			p->has_timestamps = true;
			p->timestamp = rd_at_u32be(h + i + 2);
			p->timestamp_echo = rd_at_u32be(h + i + 6);
		}
		i += n;
	}
	return true;
}

static bool parse_udp(struct packet *p, const uint8_t *h, size_t len)
{
	uint16_t declared;

	if (len < 8)
		return false;
	declared = rd_at_u16be(h + 4);
	if (declared < 8 || declared > len)
		return false;
	p->sport = rd_at_u16be(h);
	p->dport = rd_at_u16be(h + 2);
	p->has_ports = true;
	p->transport_len = 8;
	p->payload_len = declared - 8u;
	return true;
}

static bool parse_icmp(struct packet *p, const uint8_t *h, size_t len)
{
	size_t header = 8;

	if (len < 4)
		return false;
	p->icmp_type = h[0];
	p->icmp_code = h[1];
	if (p->proto == PROTO_ICMP && len < 8)
		return false;
	if (p->proto == PROTO_ICMP)
		p->has_icmp_id = h[0] == 0 || h[0] == 8 || (h[0] >= 13 && h[0] <= 18);
	else
		p->has_icmp_id = h[0] == 128 || h[0] == 129;
	if (len < 8)
		header = len;
	if (p->has_icmp_id && len >= 8) {
		p->icmp_id = rd_at_u16be(h + 4);
		p->icmp_seq = rd_at_u16be(h + 6);
	}
	p->transport_len = (uint32_t)header;
	return true;
}

bool packet_parse_transport(struct packet *p, const uint8_t *data, size_t len)
{
	bool ok = true;

	p->transport = data;
	p->transport_len = 0;
	p->payload = data;
	p->payload_len = UINT32_MAX;
	p->rule_proto = rule_proto(p->proto);
	if (p->proto == PROTO_TCP)
		ok = parse_tcp(p, data, len);
	else if (p->proto == PROTO_UDP)
		ok = parse_udp(p, data, len);
	else if (p->proto == PROTO_ICMP || p->proto == PROTO_ICMPV6)
		ok = parse_icmp(p, data, len);
	if (!ok) {
		/* Seen as IP alone, the way Suricata does with a transport it cannot read. */
		p->rule_proto = RULE_PROTO_OTHER;
		p->has_ports = false;
		p->transport_len = 0;
		p->payload_len = UINT32_MAX;
	}
	p->payload = data + p->transport_len;
	if (p->payload_len > len - p->transport_len)
		p->payload_len = (uint32_t)(len - p->transport_len);
	return true;
}

static bool parse_v4(struct packet *p, const uint8_t *h, size_t len)
{
	size_t header;
	size_t total;
	uint16_t fragment;

	if (len < 20)
		return false;
	header = (size_t)(h[0] & 15) * 4;
	total = rd_at_u16be(h + 2);
	if (total == 0)
		total = len; /* left to the hardware */
	if (header < 20 || total < header)
		return false;
	if (total > len) {
		p->events |= 1u << EVENT_IPV4_TRUNCATED;
		return false;
	}
	p->family = 4;
	p->network_len = (uint32_t)header;
	p->tos = h[1];
	p->ip_id = rd_at_u16be(h + 4);
	p->fragment_id = p->ip_id;
	fragment = rd_at_u16be(h + 6);
	p->fragment_offset = fragment & 0x1fff;
	p->fragment_bits = (uint8_t)(fragment >> 13);
	p->ttl = h[8];
	p->proto = h[9];
	p->src = ip_from_v4(rd_at_u32be(h + 12));
	p->dst = ip_from_v4(rd_at_u32be(h + 16));
	p->fragment = (fragment & 0x3fff) != 0;
	if (p->fragment) {
		p->transport = p->payload = h + header;
		p->payload_len = (uint32_t)(total - header);
		p->rule_proto = rule_proto(p->proto);
		return true;
	}
	return packet_parse_transport(p, h + header, total - header);
}

/* Walks extension headers; *at is where the next one stands.  False: cut off. */
static bool walk_extensions(struct packet *p, const uint8_t *h, size_t total, size_t *at)
{
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		const uint8_t *e = h + *at;
		size_t len;

		switch (p->proto) {
		case PROTO_HOPOPT:
		case PROTO_ROUTING:
		case PROTO_DESTINATION:
		case PROTO_MOBILITY:
		case PROTO_HIP:
		case PROTO_SHIM6:
		case PROTO_FRAGMENT:
		case PROTO_AH:
			break;
		default:
			return true;
		}
		if (total - *at < 8)
			return false;
		len = p->proto == PROTO_FRAGMENT ? 8
		    : p->proto == PROTO_AH ? ((size_t)e[1] + 2) * 4 : ((size_t)e[1] + 1) * 8;
		if (len > total - *at)
			return false;
		if (p->proto == PROTO_FRAGMENT) {
			uint16_t fragment = rd_at_u16be(e + 2);

			p->fragment = true;
			p->fragment_offset = fragment >> 3;
			p->fragment_bits = fragment & 1;
			p->fragment_id = rd_at_u32be(e + 4);
			if (!(fragment & 0xfff9)) {
				p->events |= 1u << EVENT_IPV6_USELESS_FRAGMENT;
				p->fragment = false;
			}
		}
		p->proto = e[0];
		*at += len;
		if (p->fragment)
			return true;
	}
	return false;
}

static bool parse_v6(struct packet *p, const uint8_t *h, size_t len)
{
	size_t total;
	size_t at = 40;

	if (len < 40)
		return false;
	total = 40u + rd_at_u16be(h + 4);
	if (total == 40)
		total = len;
	if (total > len) {
		p->events |= 1u << EVENT_IPV6_TRUNCATED;
		return false;
	}
	p->family = 6;
	p->tos = (uint8_t)(h[0] << 4 | h[1] >> 4);
	p->proto = h[6];
	p->ttl = h[7];
	p->src = (struct ip){rd_at_u64be(h + 8), rd_at_u64be(h + 16)};
	p->dst = (struct ip){rd_at_u64be(h + 24), rd_at_u64be(h + 32)};
	if (!walk_extensions(p, h, total, &at)) {
		p->events |= 1u << EVENT_IPV6_TRUNCATED_EXTENSION;
		return false;
	}
	p->network_len = (uint32_t)at;
	if (p->fragment) {
		p->transport = p->payload = h + at;
		p->payload_len = (uint32_t)(total - at);
		p->rule_proto = rule_proto(p->proto);
		return true;
	}
	return packet_parse_transport(p, h + at, total - at);
}

bool packet_parse(const uint8_t *data, size_t len, int64_t time_us, struct packet *ret)
{
	bool ok = false;

	memset(ret, 0, sizeof(*ret));
	ret->time_us = time_us;
	ret->network = data;
	ret->transport = ret->payload = data;
	ret->rule_proto = RULE_PROTO_OTHER;
	if (len > 0 && data[0] >> 4 == 4)
		ok = parse_v4(ret, data, len);
	else if (len > 0 && data[0] >> 4 == 6)
		ok = parse_v6(ret, data, len);
	return ok;
}

/* ---- what is inside ------------------------------------------------------------------------- */

static const uint8_t *by_ethertype(uint16_t type, const uint8_t *p, size_t len, size_t *ret_len);

static const uint8_t *in_ethernet(const uint8_t *p, size_t len, size_t *ret_len)
{
	return len < 14 ? NULL : by_ethertype(rd_at_u16be(p + 12), p + 14, len - 14, ret_len);
}

/* Bridged frames come once per tunnel, so this goes two levels deep at most. */
static const uint8_t *by_ethertype(uint16_t type, const uint8_t *p, size_t len, size_t *ret_len)
{
	for (int tags = 0; tags < 4 && (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ); tags++) {
		if (len < 4)
			return NULL;
		type = rd_at_u16be(p + 2);
		p += 4;
		len -= 4;
	}
	if (type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6)
		return NULL;
	*ret_len = len;
	return p;
}

static const uint8_t *in_gre(const uint8_t *p, size_t len, size_t *ret_len)
{
	size_t at = 4;
	uint16_t flags;
	uint16_t type;

	if (len < 4)
		return NULL;
	flags = rd_at_u16be(p);
	type = rd_at_u16be(p + 2);
	at += flags & 0xc000 ? 4 : 0; /* checksum or routing */
	at += flags & 0x2000 ? 4 : 0; /* key */
	at += flags & 0x1000 ? 4 : 0; /* sequence number */
	if ((flags & 7) == 1)
		at += flags & 0x0080 ? 4 : 0; /* acknowledgment, RFC 2637 */
	if (flags & 0x4000 || at > len)
		return NULL;
	if (type == ETHERTYPE_BRIDGE)
		return in_ethernet(p + at, len - at, ret_len);
	if (type == ETHERTYPE_ERSPAN) {
		at += flags & 0x1000 ? 8 : 0; /* type II has a header of its own */
		return at > len ? NULL : in_ethernet(p + at, len - at, ret_len);
	}
	if (type == ETHERTYPE_PPP) {
		if (len - at >= 4 && p[at] == 0xff && p[at + 1] == 0x03)
			at += 2;
		if (len - at < 2)
			return NULL;
		type = p[at] & 1 ? p[at] : rd_at_u16be(p + at);
		at += p[at] & 1 ? 1 : 2;
		type = type == 0x21 ? ETHERTYPE_IPV4 : type == 0x57 ? ETHERTYPE_IPV6 : 0;
	}
	return by_ethertype(type, p + at, len - at, ret_len);
}

static const uint8_t *in_udp(const struct packet *packet, size_t *ret_len)
{
	const uint8_t *p = packet->payload;
	size_t len = packet->payload_len;

	if (packet->dport == PORT_VXLAN) {
		if (len < 8 || !(p[0] & 0x08))
			return NULL;
		return in_ethernet(p + 8, len - 8, ret_len);
	}
	if (packet->dport == PORT_GENEVE) {
		size_t at;
		uint16_t type;

		if (len < 8 || p[0] >> 6 != 0)
			return NULL;
		at = 8 + (size_t)(p[0] & 63) * 4;
		type = rd_at_u16be(p + 2);
		if (at > len)
			return NULL;
		if (type == ETHERTYPE_BRIDGE)
			return in_ethernet(p + at, len - at, ret_len);
		return by_ethertype(type, p + at, len - at, ret_len);
	}
	if (packet->sport == PORT_TEREDO || packet->dport == PORT_TEREDO) {
		size_t at = 0;

		if (len >= 4 && p[0] == 0 && p[1] == 1)
			at = 4u + p[2] + p[3] + 9;
		if (len >= at + 8 && p[at] == 0 && p[at + 1] == 0)
			at += 8;
		if (len < at + 40 || p[at] >> 4 != 6)
			return NULL;
		*ret_len = len - at;
		return p + at;
	}
	return NULL;
}

const uint8_t *packet_inner(const struct packet *packet, size_t *ret_len)
{
	if (packet->fragment || packet->depth >= PACKET_DEPTH_MAX)
		return NULL;
	switch (packet->proto) {
	case PROTO_IPIP:
	case PROTO_IPV6:
		*ret_len = packet->payload_len;
		return packet->payload_len ? packet->payload : NULL;
	case PROTO_GRE:
		return in_gre(packet->payload, packet->payload_len, ret_len);
	case PROTO_UDP:
		return packet->has_ports ? in_udp(packet, ret_len) : NULL;
	default:
		return NULL;
	}
}
