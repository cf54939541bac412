/*
 * The layer loop: from a capture's link type down to a decision, never more than
 * DECODE_LAYERS_MAX steps.  Plain Ethernet with plain IPv4, nearly all of a telescope's traffic,
 * takes the same functions without the loop, and TCP in it needs none of them.
 */
#include "decode/decode.h"

#include "decode/layers.h"

#define LINKTYPE_ETHERNET 1
#define ETHERNET_LENGTH_MAX 1535 /* IEEE 802.3 3.2.6: above it is a type */
#define ETHERTYPE_IPV4 0x0800
#define ETHERNET_HEADER 14u
#define IPV4_HEADER 20u
#define TCP_HEADER 20u
#define PLAIN_TCP_LEN (ETHERNET_HEADER + IPV4_HEADER + TCP_HEADER)
#define OFFSET_MAX 65000u /* headers lie far below this; offsets are 16-bit */

static const struct {
	const char *name;
	const char *doc;
} drops[DECODE_DROP_COUNT] = {
	[DECODE_DROP_NONE] = {"none", "counted"},
#define DROP(id, name, doc) [DECODE_DROP_##id] = {name, doc},
#include "decode/drops.def"
#undef DROP
};

const char *decode_drop_name(enum decode_drop drop)
{
	return drop < DECODE_DROP_COUNT ? drops[drop].name : "unknown";
}

const char *decode_drop_doc(enum decode_drop drop)
{
	return drop < DECODE_DROP_COUNT ? drops[drop].doc : "";
}

static void decode_layers(struct decode_packet *packet, struct rd *r)
{
	struct layer_step step = {LAYER_LINK, packet->linktype};

	for (int i = 0; i < DECODE_LAYERS_MAX; i++) {
		switch (step.layer) {
		case LAYER_LINK:
			step = layer_link(packet, r, step.type);
			break;
		case LAYER_LENGTH_OR_TYPE:
			if (step.type > ETHERNET_LENGTH_MAX)
				step = layer_ethertype(packet, r, step.type);
			else
				step = layer_llc(packet, r);
			break;
		case LAYER_ETHERTYPE:
			step = layer_ethertype(packet, r, step.type);
			break;
		case LAYER_LLC:
			step = layer_llc(packet, r);
			break;
		case LAYER_PPP:
			step = layer_ppp(packet, r);
			break;
		case LAYER_MPLS:
			step = layer_mpls(packet, r);
			break;
		case LAYER_IP_BY_VERSION:
			if (rd_left(r) > 0 && r->pos[0] >> 4 == 4)
				step.layer = LAYER_IPV4;
			else if (rd_left(r) > 0 && r->pos[0] >> 4 == 6)
				step.layer = LAYER_IPV6;
			else
				step = layer_drop(packet, rd_left(r) > 0 ? DECODE_DROP_NOT_IP
				                                         : DECODE_DROP_LINK_SHORT);
			break;
		case LAYER_IPV4:
			layer_ipv4(packet, r);
			return;
		case LAYER_IPV6:
			layer_ipv6(packet, r);
			return;
		case LAYER_DONE:
			break;
		}
		/* What was missing was read as zeros: whatever they meant, the header is cut. */
		if (r->bad)
			packet->drop = DECODE_DROP_LINK_SHORT;
		if (packet->drop != DECODE_DROP_NONE)
			return;
	}
	packet->drop = DECODE_DROP_LAYERS;
}

static inline bool is_plain_ethernet_ipv4(const struct capture_packet *p, size_t len)
{
	return p->linktype == LINKTYPE_ETHERNET && len >= ETHERNET_HEADER + IPV4_HEADER
	    && rd_at_u16be(p->data + 12) == ETHERTYPE_IPV4;
}

/* By data offset, at least the fixed header; a table, as no branch could be foretold. */
static const uint8_t tcp_header_len[16] = {20, 20, 20, 20, 20, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56,
	60};

/*
 * TCP in whole IPv4 datagrams without options, of sensible lengths: the headers are where they
 * always are, and nothing has to be asked twice.  Says what the layers say; false: ask them.
 */
static inline bool decode_plain_tcp(struct decode_packet *out)
{
	const uint8_t *ip = out->data + ETHERNET_HEADER;
	const uint8_t *tcp = ip + IPV4_HEADER;
	uint32_t end = out->data_len;
	uint32_t headers;
	uint16_t fragment;
	uint16_t ip_len;

	if (end < PLAIN_TCP_LEN || ip[0] != 0x45 || ip[9] != DECODE_PROTO_TCP)
		return false;
	ip_len = rd_at_u16be(ip + 2);
	fragment = rd_at_u16be(ip + 6);
	if (ip_len < IPV4_HEADER + TCP_HEADER || fragment & 0x3fff)
		return false;
	headers = ETHERNET_HEADER + IPV4_HEADER + tcp_header_len[tcp[12] >> 4];
	if (ETHERNET_HEADER + (uint32_t)ip_len < end)
		end = ETHERNET_HEADER + (uint32_t)ip_len;
	out->flags = DECODE_V4 | DECODE_TRANSPORT;
	if (fragment & 0x4000)
		out->flags |= DECODE_IP_DF;
	out->network_offset = ETHERNET_HEADER;
	out->transport_offset = ETHERNET_HEADER + IPV4_HEADER;
	out->payload_offset = (uint16_t)(headers < end ? headers : end);
	out->payload_len = end - out->payload_offset;
	out->tos = ip[1];
	out->ip_len = ip_len;
	out->ip_id = rd_at_u16be(ip + 4);
	out->ttl = ip[8];
	out->proto = DECODE_PROTO_TCP;
	out->src = ip_from_v4(rd_at_u32be(ip + 12));
	out->dst = ip_from_v4(rd_at_u32be(ip + 16));
	out->sport = rd_at_u16be(tcp);
	out->dport = rd_at_u16be(tcp + 2);
	out->seq = rd_at_u32be(tcp + 4);
	out->ack = rd_at_u32be(tcp + 8);
	out->tcp_flags = tcp[13];
	out->window = rd_at_u16be(tcp + 14);
	return true;
}

void decode_batch(const struct capture_packet *packets, size_t count,
    struct decode_packet *ret_packets)
{
	for (size_t i = 0; i < count; i++) {
		const struct capture_packet *p = &packets[i];
		struct decode_packet *out = &ret_packets[i];
		size_t len = p->len > p->fcs_len ? p->len - p->fcs_len : p->len;
		bool plain;
		struct rd r;

		if (len > OFFSET_MAX)
			len = OFFSET_MAX;
		out->time_us = p->time_us;
		out->drop = DECODE_DROP_NONE;
		out->linktype = p->linktype;
		out->data = p->data;
		out->data_len = (uint32_t)len;
		plain = is_plain_ethernet_ipv4(p, len);
		if (plain && decode_plain_tcp(out))
			continue;
		out->flags = 0;
		out->tcp_flags = 0;
		out->sport = 0;
		out->dport = 0;
		out->network_offset = DECODE_NO_NETWORK;
		r = rd_init(p->data, len);
		if (plain) {
			rd_skip(&r, ETHERNET_HEADER);
			layer_ipv4(out, &r);
		} else {
			decode_layers(out, &r);
		}
	}
}
