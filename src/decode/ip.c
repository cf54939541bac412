/*
 * IPv4 (RFC 791) and IPv6 (RFC 8200) headers, fragments, extension headers.
 *
 * Only the outer header counts.  The declared length bounds the datagram when it makes sense;
 * zero (segmentation offload) and lengths beyond the capture are taken as what was captured.
 */
#include "decode/layers.h"

#define IPV6_EXTENSIONS_MAX 16

#define NEXT_HOP_BY_HOP 0
#define NEXT_ROUTING 43
#define NEXT_FRAGMENT 44
#define NEXT_AH 51
#define NEXT_DESTINATION 60
#define NEXT_MOBILITY 135
#define NEXT_HIP 139
#define NEXT_SHIM6 140

void layer_ipv4(struct decode_packet *packet, struct rd *r)
{
	const uint8_t *start = r->pos;
	const uint8_t *h = rd_take(r, 20);
	size_t header_len;
	uint16_t fragment;

	if (!h) {
		packet->drop = DECODE_DROP_IP_SHORT;
		return;
	}
	header_len = (size_t)(h[0] & 0x0f) * 4;
	if (h[0] >> 4 != 4 || header_len < 20) {
		packet->drop = DECODE_DROP_IP_MALFORMED;
		return;
	}
	packet->flags = DECODE_V4;
	packet->network_offset = (uint16_t)(start - packet->data);
	packet->tos = h[1];
	packet->ip_len = rd_at_u16be(h + 2);
	packet->ip_id = rd_at_u16be(h + 4);
	fragment = rd_at_u16be(h + 6);
	packet->ttl = h[8];
	packet->proto = h[9];
	packet->src = ip_from_v4(rd_at_u32be(h + 12));
	packet->dst = ip_from_v4(rd_at_u32be(h + 16));
	if (header_len > 20) {
		packet->flags |= DECODE_IP_OPTIONS;
		rd_skip(r, header_len - 20);
		if (r->bad) {
			packet->drop = DECODE_DROP_IP_SHORT;
			return;
		}
	}
	if (fragment & 0x4000)
		packet->flags |= DECODE_IP_DF;
	if (fragment & 0x3fff)
		packet->flags |= DECODE_FRAGMENT;
	if (fragment & 0x1fff) {
		packet->flags |= DECODE_LATER_FRAGMENT;
		packet->drop = DECODE_DROP_LATER_FRAGMENT;
		return;
	}
	if (packet->ip_len >= header_len && packet->ip_len < (size_t)(r->end - start))
		r->end = start + packet->ip_len;
	layer_transport(packet, r);
}

static struct ip load_ip(const uint8_t *p)
{
	return (struct ip){rd_at_u64be(p), rd_at_u64be(p + 8)};
}

/* Walks extension headers; returns false when the packet is decided (drop set). */
static bool skip_extensions(struct decode_packet *packet, struct rd *r)
{
	for (int i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
		const uint8_t *h;
		uint8_t proto = packet->proto;

		switch (proto) {
		case NEXT_HOP_BY_HOP:
		case NEXT_ROUTING:
		case NEXT_DESTINATION:
		case NEXT_MOBILITY:
		case NEXT_HIP:
		case NEXT_SHIM6:
		case NEXT_FRAGMENT:
		case NEXT_AH:
			break;
		default:
			return true;
		}
		h = rd_take(r, 8);
		if (!h) {
			packet->drop = DECODE_DROP_IP_SHORT;
			return false;
		}
		packet->flags |= DECODE_IP_OPTIONS;
		packet->proto = h[0];
		if (proto == NEXT_FRAGMENT) {
			uint16_t fragment = rd_at_u16be(h + 2);

			if (fragment & 0xfff9)
				packet->flags |= DECODE_FRAGMENT;
			if (fragment & 0xfff8) {
				packet->flags |= DECODE_LATER_FRAGMENT;
				packet->drop = DECODE_DROP_LATER_FRAGMENT;
				return false;
			}
			continue;
		}
		/* Length: 8-byte units beyond the first 8; AH: 4-byte units minus 2. */
		if (proto == NEXT_AH) {
			size_t len = ((size_t)h[1] + 2) * 4;

			rd_skip(r, len > 8 ? len - 8 : 0);
		} else {
			rd_skip(r, (size_t)h[1] * 8);
		}
		if (r->bad) {
			packet->drop = DECODE_DROP_IP_SHORT;
			return false;
		}
	}
	packet->drop = DECODE_DROP_IP_MALFORMED;
	return false;
}

void layer_ipv6(struct decode_packet *packet, struct rd *r)
{
	const uint8_t *start = r->pos;
	const uint8_t *h = rd_take(r, 40);
	uint16_t payload_len;

	if (!h) {
		packet->drop = DECODE_DROP_IP_SHORT;
		return;
	}
	if (h[0] >> 4 != 6) {
		packet->drop = DECODE_DROP_IP_MALFORMED;
		return;
	}
	packet->flags = 0;
	packet->network_offset = (uint16_t)(start - packet->data);
	packet->tos = (uint8_t)(h[0] << 4 | h[1] >> 4);
	payload_len = rd_at_u16be(h + 4);
	packet->ip_len = payload_len > 65535 - 40 ? 65535 : (uint16_t)(payload_len + 40);
	packet->ip_id = 0;
	packet->proto = h[6];
	packet->ttl = h[7];
	packet->src = load_ip(h + 8);
	packet->dst = load_ip(h + 24);
	if (payload_len > 0 && payload_len + 40u < (size_t)(r->end - start))
		r->end = start + 40 + payload_len;
	if (skip_extensions(packet, r))
		layer_transport(packet, r);
}
