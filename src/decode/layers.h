/*
 * Private to decode/: the steps of the layer loop and what they hand on.
 */
#pragma once

#include "base/rd.h"
#include "decode/decode.h"

/* What the next bytes are. */
enum layer {
	LAYER_DONE, /* decided: packet->drop says how */
	LAYER_LINK, /* the capture's link type, `type` = LINKTYPE number */
	LAYER_ETHERTYPE, /* `type` = EtherType */
	LAYER_LENGTH_OR_TYPE, /* `type` = Ethernet's length/type field: below 1536 it is LLC */
	LAYER_LLC,
	LAYER_PPP,  /* PPP protocol field follows */
	LAYER_MPLS,
	LAYER_IP_BY_VERSION,
	LAYER_IPV4,
	LAYER_IPV6,
};

struct layer_step {
	enum layer layer;
	uint32_t type;
};

struct layer_step layer_drop(struct decode_packet *packet, enum decode_drop drop);

/* link.c: one step from a link layer or a tag. */
struct layer_step layer_link(struct decode_packet *packet, struct rd *r, uint32_t linktype);
struct layer_step layer_ethertype(struct decode_packet *packet, struct rd *r, uint32_t type);
struct layer_step layer_llc(struct decode_packet *packet, struct rd *r);
struct layer_step layer_ppp(struct decode_packet *packet, struct rd *r);
struct layer_step layer_mpls(struct decode_packet *packet, struct rd *r);

/* ip.c: the IP header to the end; r stands at its first byte. */
void layer_ipv4(struct decode_packet *packet, struct rd *r);
void layer_ipv6(struct decode_packet *packet, struct rd *r);

/* transport.c: r stands at the transport header, which ends with the datagram. */
void layer_transport(struct decode_packet *packet, struct rd *r);
