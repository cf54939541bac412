/* Tunnels; the contract is in tunnel.h. */
#include "decode/tunnel.h"

#include "base/rd.h"

#define LINKTYPE_ETHERNET 1
#define LINKTYPE_RAW 101
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_BRIDGE 0x6558 /* Ethernet in GRE or Geneve */

#define PROTO_IPV4 4
#define PROTO_IPV6 41
#define PROTO_GRE 47
#define PORT_GENEVE 6081
#define PORT_VXLAN 4789

#define GRE_CHECKSUM 0x8000
#define GRE_KEY 0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_VERSION 0x0007
#define VXLAN_VALID 0x08
#define IP_HEADER_MIN 20

/* The link type of what an EtherType names; 0: nothing that is entered. */
static uint16_t linktype_of(uint16_t ethertype)
{
	if (ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6)
		return LINKTYPE_RAW;
	return ethertype == ETHERTYPE_BRIDGE ? LINKTYPE_ETHERNET : 0;
}

static uint16_t gre(struct rd *r)
{
	uint16_t flags = rd_u16be(r);
	uint16_t ethertype = rd_u16be(r);

	if (flags & GRE_VERSION)
		return 0; /* PPTP's variant, and versions nobody has */
	if (flags & GRE_CHECKSUM)
		rd_skip(r, 4);
	if (flags & GRE_KEY)
		rd_skip(r, 4);
	if (flags & GRE_SEQUENCE)
		rd_skip(r, 4);
	return linktype_of(ethertype);
}

static uint16_t geneve(struct rd *r)
{
	uint8_t first = rd_u8(r);
	uint16_t ethertype;

	rd_skip(r, 1);
	ethertype = rd_u16be(r);
	rd_skip(r, 4u + 4u * (first & 0x3f));
	return first >> 6 ? 0 : linktype_of(ethertype);
}

static uint16_t vxlan(struct rd *r)
{
	uint8_t flags = rd_u8(r);

	rd_skip(r, 7);
	return flags & VXLAN_VALID ? LINKTYPE_ETHERNET : 0;
}

/* Behind Teredo's optional authentication and origin comes IPv6. */
static uint16_t teredo(struct rd *r)
{
	if (rd_left(r) >= 4 && r->pos[0] == 0 && r->pos[1] == 1)
		rd_skip(r, 4u + r->pos[2] + r->pos[3] + 9u);
	if (rd_left(r) >= 8 && r->pos[0] == 0 && r->pos[1] == 0)
		rd_skip(r, 8);
	return rd_left(r) > 0 && r->pos[0] >> 4 == 6 ? LINKTYPE_RAW : 0;
}

bool tunnel_inner(const struct decode_packet *outer, struct capture_packet *ret_inner)
{
	struct rd r = rd_init(outer->data + outer->payload_offset, outer->payload_len);
	uint16_t linktype;

	if (outer->drop == DECODE_DROP_NONE && outer->payload_len == 0)
		return false;
	switch (outer->proto) {
	case PROTO_IPV4:
	case PROTO_IPV6:
		linktype = LINKTYPE_RAW;
		break;
	case PROTO_GRE:
		linktype = gre(&r);
		break;
	case DECODE_PROTO_UDP:
		linktype = outer->dport == PORT_GENEVE ? geneve(&r)
		    : outer->dport == PORT_VXLAN ? vxlan(&r) : teredo(&r);
		break;
	default:
		linktype = 0;
		break;
	}
	if (r.bad || !linktype || rd_left(&r) < IP_HEADER_MIN)
		return false;
	*ret_inner = (struct capture_packet){
		.data = r.pos,
		.len = (uint32_t)rd_left(&r),
		.wire_len = (uint32_t)rd_left(&r),
		.time_us = outer->time_us,
		.linktype = linktype,
	};
	return true;
}
