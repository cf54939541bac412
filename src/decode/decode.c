/*
 * The layer loop: from a capture's link type down to a decision, never more than
 * DECODE_LAYERS_MAX steps.  Plain Ethernet with plain IPv4, nearly all of a telescope's traffic,
 * takes the same functions without the loop.
 */
#include "decode/decode.h"

#include "decode/layers.h"

#define LINKTYPE_ETHERNET 1
#define ETHERNET_LENGTH_MAX 1535 /* IEEE 802.3 3.2.6: above it is a type */
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
	return p->linktype == LINKTYPE_ETHERNET && len >= 34 && p->data[12] == 0x08
	    && p->data[13] == 0x00;
}

void decode_batch(const struct capture_packet *packets, size_t count,
    struct decode_packet *ret_packets)
{
	for (size_t i = 0; i < count; i++) {
		const struct capture_packet *p = &packets[i];
		struct decode_packet *out = &ret_packets[i];
		size_t len = p->len > p->fcs_len ? p->len - p->fcs_len : p->len;
		struct rd r;

		if (len > OFFSET_MAX)
			len = OFFSET_MAX;
		r = rd_init(p->data, len);
		out->time_us = p->time_us;
		out->drop = DECODE_DROP_NONE;
		out->flags = 0;
		out->tcp_flags = 0;
		out->sport = 0;
		out->dport = 0;
		out->linktype = p->linktype;
		out->network_offset = DECODE_NO_NETWORK;
		out->data = p->data;
		out->data_len = (uint32_t)len;
		if (is_plain_ethernet_ipv4(p, len)) {
			rd_skip(&r, 14);
			layer_ipv4(out, &r);
		} else {
			decode_layers(out, &r);
		}
	}
}
