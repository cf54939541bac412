/*
 * Tunnels: the IP packet inside another one.
 *
 * Counters never look here (design: the outer header counts); what visitors said does, when a capture
 * holds tunnels.  IP in IP (RFC 2003), 6in4 (RFC 4213), GRE (RFC 2784, 2890), Geneve (RFC 8926),
 * VXLAN (RFC 7348), Teredo (RFC 4380).
 */
#pragma once

#include "decode/decode.h"

#define TUNNEL_DEPTH_MAX 4

/*
 * The packet inside a counted packet, as a view of the same bytes with the link type of what it is
 * (raw IP or Ethernet).  false: there is none.  The view is ready for decode_batch.
 */
bool tunnel_inner(const struct decode_packet *outer, struct capture_packet *ret_inner);

/* May there be one?  A look at two fields, so that other packets pay nothing. */
static inline bool tunnel_possible(const struct decode_packet *p)
{
	switch (p->proto) {
	case 4:  /* IPv4 */
	case 41: /* IPv6 */
	case 47: /* GRE */
		return true;
	case DECODE_PROTO_UDP:
		return p->dport == 6081 || p->dport == 4789 || p->dport == 3544 || p->sport == 3544;
	default:
		return false;
	}
}
