/*
 * TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792) and ICMPv6 (RFC 4443) headers, and the datagram
 * that an ICMP error quotes.
 *
 * A quote is the sender's word about a packet that we cannot check: it is used to find a victim,
 * never trusted for lengths.
 */
#include "decode/layers.h"

static void tcp(struct decode_packet *packet, struct rd *r)
{
	const uint8_t *h = rd_take(r, 20);
	size_t header_len;

	if (!h) {
		packet->drop = DECODE_DROP_TRANSPORT_SHORT;
		return;
	}
	packet->sport = rd_at_u16be(h);
	packet->dport = rd_at_u16be(h + 2);
	packet->seq = rd_at_u32be(h + 4);
	packet->ack = rd_at_u32be(h + 8);
	packet->tcp_flags = h[13];
	packet->window = rd_at_u16be(h + 14);
	packet->flags |= DECODE_TRANSPORT;
	header_len = (size_t)(h[12] >> 4) * 4;
	if (header_len > 20) {
		size_t options_len = header_len - 20;

		rd_skip(r, options_len < rd_left(r) ? options_len : rd_left(r));
	}
}

static void udp(struct decode_packet *packet, struct rd *r)
{
	const uint8_t *h = rd_take(r, 8);

	if (!h) {
		packet->drop = DECODE_DROP_TRANSPORT_SHORT;
		return;
	}
	packet->sport = rd_at_u16be(h);
	packet->dport = rd_at_u16be(h + 2);
	packet->flags |= DECODE_TRANSPORT;
}

/* The quoted datagram: addresses, protocol and, for TCP and UDP, the first four bytes. */
static void quote(struct decode_packet *packet, struct rd quoted)
{
	const uint8_t *h;

	if (packet->flags & DECODE_V4) {
		size_t header_len;

		h = rd_take(&quoted, 20);
		if (!h || h[0] >> 4 != 4)
			return;
		header_len = (size_t)(h[0] & 0x0f) * 4;
		if (header_len < 20)
			return;
		packet->quoted_proto = h[9];
		packet->quoted_src = ip_from_v4(rd_at_u32be(h + 12));
		packet->quoted_dst = ip_from_v4(rd_at_u32be(h + 16));
		packet->flags |= DECODE_QUOTED;
		if (rd_at_u16be(h + 6) & 0x1fff)
			return;
		rd_skip(&quoted, header_len - 20);
	} else {
		h = rd_take(&quoted, 40);
		if (!h || h[0] >> 4 != 6)
			return;
		packet->quoted_proto = h[6];
		packet->quoted_src = (struct ip){rd_at_u64be(h + 8), rd_at_u64be(h + 16)};
		packet->quoted_dst = (struct ip){rd_at_u64be(h + 24), rd_at_u64be(h + 32)};
		packet->flags |= DECODE_QUOTED;
	}
	if (packet->quoted_proto != DECODE_PROTO_TCP && packet->quoted_proto != DECODE_PROTO_UDP)
		return;
	h = rd_take(&quoted, 4);
	if (!h)
		return;
	packet->quoted_sport = rd_at_u16be(h);
	packet->quoted_dport = rd_at_u16be(h + 2);
	packet->flags |= DECODE_QUOTED_PORTS;
}

static bool is_error(const struct decode_packet *packet)
{
	if (!(packet->flags & DECODE_V4))
		return packet->icmp_type < 128;
	switch (packet->icmp_type) {
	case 3:
	case 4:
	case 5:
	case 11:
	case 12:
		return true;
	default:
		return false;
	}
}

static void icmp(struct decode_packet *packet, struct rd *r)
{
	const uint8_t *h = rd_take(r, 8);

	if (!h) {
		packet->drop = DECODE_DROP_TRANSPORT_SHORT;
		return;
	}
	packet->icmp_type = h[0];
	packet->icmp_code = h[1];
	/* Identifier of echo and the other pairs of request and reply. */
	packet->sport = rd_at_u16be(h + 4);
	packet->dport = packet->icmp_type;
	packet->flags |= DECODE_TRANSPORT;
	if (is_error(packet))
		quote(packet, *r);
}

void layer_transport(struct decode_packet *packet, struct rd *r)
{
	packet->transport_offset = (uint16_t)(r->pos - packet->data);
	switch (packet->proto) {
	case DECODE_PROTO_TCP:
		tcp(packet, r);
		break;
	case DECODE_PROTO_UDP:
		udp(packet, r);
		break;
	case DECODE_PROTO_ICMP:
		if (packet->flags & DECODE_V4)
			icmp(packet, r);
		break;
	case DECODE_PROTO_ICMPV6:
		if (!(packet->flags & DECODE_V4))
			icmp(packet, r);
		break;
	default:
		break;
	}
	if (packet->drop == DECODE_DROP_NONE) {
		packet->payload_offset = (uint16_t)(r->pos - packet->data);
		packet->payload_len = (uint32_t)rd_left(r);
	}
}
