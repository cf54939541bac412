/*
 * Link layers and tags: where does the IP header begin?
 *
 * One function per family; each takes its header from the bounded reader and says what follows.
 * Link types: tcpdump.org/linktypes.html.  802.3/LLC/SNAP: IEEE 802.2, RFC 1042.  802.1Q/ad tags,
 * PPPoE: RFC 2516.  PPP: RFC 1661, RFC 1662.  MPLS: RFC 3032.  IEEE 802.11 data frames only.
 */
#include "decode/layers.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_QINQ_OLD 0x9100
#define ETHERTYPE_QINQ_OLD2 0x9200
#define ETHERTYPE_MPLS 0x8847
#define ETHERTYPE_MPLS_MULTI 0x8848
#define ETHERTYPE_PPPOE 0x8864

#define PPP_IPV4 0x0021
#define PPP_IPV6 0x0057
#define PPP_MPLS 0x0281

#define LINK_NULL 0
#define LINK_ETHERNET 1
#define LINK_TOKEN_RING 6
#define LINK_ARCNET 7
#define LINK_SLIP 8
#define LINK_PPP 9
#define LINK_FDDI 10
#define LINK_RAW_BSD 12
#define LINK_RAW_OPENBSD 14
#define LINK_PPP_HDLC 50
#define LINK_PPP_ETHER 51
#define LINK_ATM_LLC 100
#define LINK_RAW 101
#define LINK_CHDLC 104
#define LINK_IEEE80211 105
#define LINK_FRAME_RELAY 107
#define LINK_LOOP 108
#define LINK_SLL 113
#define LINK_PFLOG 117
#define LINK_PRISM 119
#define LINK_IP_OVER_FC 122
#define LINK_SUNATM 123
#define LINK_RADIOTAP 127
#define LINK_ARCNET_LINUX 129
#define LINK_APPLE_IP_1394 138
#define LINK_IEEE80211_AVS 163
#define LINK_PPI 192
#define LINK_IPV4 228
#define LINK_IPV6 229
#define LINK_NFLOG 239
#define LINK_NETANALYZER 240
#define LINK_SLL2 276

#define NFLOG_PAYLOAD 9
#define NFLOG_TLVS_MAX 32

static const struct layer_step step_done = {LAYER_DONE, 0};

struct layer_step layer_drop(struct decode_packet *packet, enum decode_drop drop)
{
	packet->drop = (uint8_t)drop;
	return step_done;
}

static struct layer_step next(enum layer layer, uint32_t type)
{
	return (struct layer_step){layer, type};
}

/* Skips a header of fixed size and goes on with `layer`. */
static struct layer_step skip_to(struct rd *r, size_t header_len, enum layer layer)
{
	rd_skip(r, header_len);
	return next(layer, 0);
}

static struct layer_step ethernet(struct rd *r)
{
	rd_skip(r, 12);
	return next(LAYER_LENGTH_OR_TYPE, rd_u16be(r));
}

/* BSD loopback: the address family in the writer's byte order (NULL) or network order (LOOP). */
static struct layer_step loopback(struct decode_packet *packet, struct rd *r)
{
	uint32_t family = rd_u32be(r);

	if (family > 0xffff)
		family = __builtin_bswap32(family);
	switch (family) {
	case 2:
		return next(LAYER_IPV4, 0);
	case 10:
	case 24:
	case 28:
	case 30:
		return next(LAYER_IPV6, 0);
	default:
		if (r->bad)
			return step_done;
		return layer_drop(packet, DECODE_DROP_NOT_IP);
	}
}

static struct layer_step token_ring(struct rd *r)
{
	const uint8_t *h = rd_take(r, 14);

	/* A set top bit of the source address announces a routing field with its length. */
	if (h && h[8] & 0x80) {
		uint16_t control = rd_u16be(r);
		size_t len = control >> 8 & 0x1f;

		if (len > 2)
			rd_skip(r, len - 2);
	}
	return next(LAYER_LLC, 0);
}

static struct layer_step frame_relay(struct decode_packet *packet, struct rd *r)
{
	uint8_t control;
	uint8_t nlpid;

	/* Q.922 address: until the extension bit is set, four bytes at most. */
	for (int i = 0; i < 4; i++)
		if (rd_u8(r) & 1)
			break;
	control = rd_u8(r);
	if (control == 0x08) /* Cisco: no control byte, EtherType 0x0800 at once */
		return next(LAYER_ETHERTYPE, 0x0800 | rd_u8(r));
	nlpid = rd_u8(r);
	if (nlpid == 0)
		nlpid = rd_u8(r);
	switch (nlpid) {
	case 0xcc:
		return next(LAYER_IPV4, 0);
	case 0x8e:
		return next(LAYER_IPV6, 0);
	case 0x80: /* SNAP */
		rd_skip(r, 3);
		return next(LAYER_ETHERTYPE, rd_u16be(r));
	default:
		if (r->bad)
			return step_done;
		return layer_drop(packet, DECODE_DROP_NOT_IP);
	}
}

/* IEEE 802.11: unprotected data frames carry LLC; everything else is not IP. */
static struct layer_step ieee80211(struct decode_packet *packet, struct rd *r)
{
	const uint8_t *control = rd_take(r, 2);
	unsigned type;
	unsigned subtype;

	if (!control)
		return step_done;
	type = control[0] >> 2 & 3;
	subtype = control[0] >> 4;
	if (type != 2 || subtype & 4 || control[1] & 0x40)
		return layer_drop(packet, DECODE_DROP_NOT_IP);
	rd_skip(r, 22);
	if ((control[1] & 3) == 3)
		rd_skip(r, 6); /* fourth address */
	if (subtype & 8) {
		rd_skip(r, 2); /* QoS control */
		if (control[1] & 0x80)
			rd_skip(r, 4); /* HT control */
	}
	return next(LAYER_LLC, 0);
}

static struct layer_step radiotap(struct decode_packet *packet, struct rd *r)
{
	uint16_t len;

	rd_skip(r, 2);
	len = rd_u16le(r);
	if (len < 4)
		return layer_drop(packet, DECODE_DROP_LINK_SHORT);
	rd_skip(r, len - 4u);
	return ieee80211(packet, r);
}

static struct layer_step prism_or_avs(struct decode_packet *packet, struct rd *r)
{
	const uint8_t *h = rd_take(r, 8);
	uint32_t len = 144;

	if (!h)
		return step_done;
	if (rd_at_u32be(h) == 0x80211001u || rd_at_u32be(h) == 0x80211002u)
		len = rd_at_u32be(h + 4);
	if (len < 8)
		return layer_drop(packet, DECODE_DROP_LINK_SHORT);
	rd_skip(r, len - 8u);
	return ieee80211(packet, r);
}

static struct layer_step ppi(struct decode_packet *packet, struct rd *r)
{
	uint16_t len;
	uint32_t inner;

	rd_skip(r, 2);
	len = rd_u16le(r);
	inner = rd_u32le(r);
	if (len < 8 || inner == LINK_PPI)
		return layer_drop(packet, DECODE_DROP_LINK_SHORT);
	rd_skip(r, len - 8u);
	return next(LAYER_LINK, inner);
}

static struct layer_step sunatm(struct decode_packet *packet, struct rd *r)
{
	uint8_t flags = rd_u8(r);

	rd_skip(r, 3);
	switch (flags & 0x0f) {
	case 1: /* LANE: Ethernet behind a two-byte header */
		rd_skip(r, 2);
		return ethernet(r);
	case 2:
		return next(LAYER_LLC, 0);
	default:
		return layer_drop(packet, DECODE_DROP_NOT_IP);
	}
}

static struct layer_step nflog(struct decode_packet *packet, struct rd *r)
{
	uint8_t family = rd_u8(r);

	rd_skip(r, 3);
	for (int i = 0; i < NFLOG_TLVS_MAX && !r->bad; i++) {
		uint16_t len = rd_u16le(r);
		uint16_t type = rd_u16le(r);

		if (len < 4)
			break;
		if ((type & 0x7fff) == NFLOG_PAYLOAD) {
			/* The length is the datagram's; the snap length may have cut it. */
			*r = rd_sub(r, len - 4u < rd_left(r) ? len - 4u : rd_left(r));
			if (family == 2)
				return next(LAYER_IPV4, 0);
			if (family == 10)
				return next(LAYER_IPV6, 0);
			break;
		}
		rd_skip(r, ((len + 3u) & ~3u) - 4u);
	}
	return layer_drop(packet, r->bad ? DECODE_DROP_LINK_SHORT : DECODE_DROP_NOT_IP);
}

static struct layer_step arcnet(struct decode_packet *packet, struct rd *r, size_t skip)
{
	uint8_t protocol;

	rd_skip(r, skip);
	protocol = rd_u8(r);
	if (protocol != 0xd4 && protocol != 0xf0 && protocol != 0xc4)
		return layer_drop(packet, DECODE_DROP_NOT_IP);
	if (protocol == 0xf0)
		return next(LAYER_IPV4, 0);
	rd_skip(r, 3); /* split flag and sequence number */
	return next(protocol == 0xc4 ? LAYER_IPV6 : LAYER_IPV4, 0);
}

static struct layer_step chdlc(struct rd *r)
{
	rd_skip(r, 2);
	return next(LAYER_ETHERTYPE, rd_u16be(r));
}

/* PPP in HDLC framing: address and control may be there, compressed away, or Cisco's. */
static struct layer_step ppp_hdlc(struct rd *r)
{
	if (rd_left(r) >= 2 && r->pos[0] == 0xff && r->pos[1] == 0x03)
		rd_skip(r, 2);
	else if (rd_left(r) >= 2 && (r->pos[0] == 0x0f || r->pos[0] == 0x8f))
		return chdlc(r);
	return next(LAYER_PPP, 0);
}

struct layer_step layer_link(struct decode_packet *packet, struct rd *r, uint32_t linktype)
{
	switch (linktype) {
	case LINK_ETHERNET:
		return ethernet(r);
	case LINK_NULL:
	case LINK_LOOP:
		return loopback(packet, r);
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_RAW:
		return next(LAYER_IP_BY_VERSION, 0);
	case LINK_IPV4:
		return next(LAYER_IPV4, 0);
	case LINK_IPV6:
		return next(LAYER_IPV6, 0);
	case LINK_SLL:
		rd_skip(r, 14);
		return next(LAYER_LENGTH_OR_TYPE, rd_u16be(r));
	case LINK_SLL2: {
		uint32_t type = rd_u16be(r);

		rd_skip(r, 18);
		return next(LAYER_LENGTH_OR_TYPE, type);
	}
	case LINK_PPP:
	case LINK_PPP_HDLC:
		return ppp_hdlc(r);
	case LINK_PPP_ETHER:
		return skip_to(r, 6, LAYER_PPP);
	case LINK_CHDLC:
		return chdlc(r);
	case LINK_TOKEN_RING:
		return token_ring(r);
	case LINK_FDDI:
		return skip_to(r, 13, LAYER_LLC);
	case LINK_ATM_LLC:
		return next(LAYER_LLC, 0);
	case LINK_IP_OVER_FC:
		return skip_to(r, 16, LAYER_LLC);
	case LINK_SLIP:
		return skip_to(r, 16, LAYER_IP_BY_VERSION);
	case LINK_ARCNET:
		return arcnet(packet, r, 2);
	case LINK_ARCNET_LINUX:
		return arcnet(packet, r, 4);
	case LINK_IEEE80211:
		return ieee80211(packet, r);
	case LINK_RADIOTAP:
		return radiotap(packet, r);
	case LINK_PRISM:
	case LINK_IEEE80211_AVS:
		return prism_or_avs(packet, r);
	case LINK_FRAME_RELAY:
		return frame_relay(packet, r);
	case LINK_SUNATM:
		return sunatm(packet, r);
	case LINK_PPI:
		return ppi(packet, r);
	case LINK_NFLOG:
		return nflog(packet, r);
	case LINK_APPLE_IP_1394:
		rd_skip(r, 16);
		return next(LAYER_ETHERTYPE, rd_u16be(r));
	case LINK_NETANALYZER:
		rd_skip(r, 4);
		return ethernet(r);
	case LINK_PFLOG: {
		uint8_t len = rd_u8(r);

		if (len < 1)
			return layer_drop(packet, DECODE_DROP_LINK_SHORT);
		return skip_to(r, ((len + 3u) & ~3u) - 1u, LAYER_IP_BY_VERSION);
	}
	default:
		return layer_drop(packet, DECODE_DROP_LINK_TYPE);
	}
}

struct layer_step layer_llc(struct decode_packet *packet, struct rd *r)
{
	const uint8_t *h = rd_take(r, 3);

	if (!h)
		return step_done;
	if (h[0] == 0xaa && h[1] == 0xaa && h[2] == 0x03) {
		rd_skip(r, 3);
		return next(LAYER_ETHERTYPE, rd_u16be(r));
	}
	if (h[0] == 0x06 && h[1] == 0x06)
		return next(LAYER_IPV4, 0);
	if (h[0] == 0xfe && h[1] == 0xfe) { /* ISO network layer protocol id */
		uint8_t nlpid = rd_u8(r);

		if (nlpid == 0xcc)
			return next(LAYER_IPV4, 0);
		if (nlpid == 0x8e)
			return next(LAYER_IPV6, 0);
	}
	return layer_drop(packet, DECODE_DROP_NOT_IP);
}

struct layer_step layer_ethertype(struct decode_packet *packet, struct rd *r, uint32_t type)
{
	switch (type) {
	case ETHERTYPE_IPV4:
		return next(LAYER_IPV4, 0);
	case ETHERTYPE_IPV6:
		return next(LAYER_IPV6, 0);
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_QINQ_OLD:
	case ETHERTYPE_QINQ_OLD2:
		rd_skip(r, 2);
		return next(LAYER_LENGTH_OR_TYPE, rd_u16be(r));
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTI:
		return next(LAYER_MPLS, 0);
	case ETHERTYPE_PPPOE:
		return skip_to(r, 6, LAYER_PPP);
	default:
		return layer_drop(packet, DECODE_DROP_NOT_IP);
	}
}

/* One label; behind the bottom of the stack the version nibble decides, else Ethernet (RFC 4385
 * control word) is not entered: it would be a tunnel. */
struct layer_step layer_mpls(struct decode_packet *packet, struct rd *r)
{
	const uint8_t *label = rd_take(r, 4);

	(void)packet;
	if (!label)
		return step_done;
	return next(label[2] & 1 ? LAYER_IP_BY_VERSION : LAYER_MPLS, 0);
}

struct layer_step layer_ppp(struct decode_packet *packet, struct rd *r)
{
	uint32_t protocol = rd_u8(r);

	/* Protocol field compression: an odd first byte is the whole field (RFC 1661 6.5). */
	if (!(protocol & 1))
		protocol = protocol << 8 | rd_u8(r);
	switch (protocol) {
	case PPP_IPV4:
		return next(LAYER_IPV4, 0);
	case PPP_IPV6:
		return next(LAYER_IPV6, 0);
	case PPP_MPLS:
		return next(LAYER_MPLS, 0);
	default:
		if (r->bad)
			return step_done;
		return layer_drop(packet, DECODE_DROP_NOT_IP);
	}
}
