/*
 * Link layer to transport: captured bytes to one flat description of a packet.
 *
 * A loop over layers with a cap, never recursion, never outside the captured bytes.  Counters
 * look at the outer IP header only (after VLAN, QinQ, MPLS, PPPoE …) and do not enter tunnels.
 * Checksums, options and data offset never drop a packet: 20 captured bytes of TCP (8 of UDP and
 * ICMP) in a first fragment suffice; the snap length is advisory.  Every packet that is not
 * counted has exactly one reason of drops.def.
 */
#pragma once

#include "base/ip.h"
#include "capture/capture.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECODE_LAYERS_MAX 16
#define DECODE_NO_NETWORK UINT16_MAX

enum decode_drop {
	DECODE_DROP_NONE,
#define DROP(id, name, doc) DECODE_DROP_##id,
#include "decode/drops.def"
#undef DROP
	DECODE_DROP_COUNT,
};

/* Stable name of a reason ("not-ip"); "linktype" reasons are printed with their number. */
const char *decode_drop_name(enum decode_drop drop);
const char *decode_drop_doc(enum decode_drop drop);

enum decode_flag {
	DECODE_V4 = 1 << 0,
	DECODE_FRAGMENT = 1 << 1,       /* part of a fragmented datagram */
	DECODE_LATER_FRAGMENT = 1 << 2, /* offset > 0: no transport header here */
	DECODE_TRANSPORT = 1 << 3,      /* ports, flags … below are valid */
	DECODE_IP_DF = 1 << 4,
	DECODE_IP_OPTIONS = 1 << 5, /* IPv4 options or IPv6 extension headers */
	DECODE_QUOTED = 1 << 6,     /* the ICMP error quotes an IP header: quoted_* are valid */
	DECODE_QUOTED_PORTS = 1 << 7,
};

#define DECODE_TCP_FIN 0x01
#define DECODE_TCP_SYN 0x02
#define DECODE_TCP_RST 0x04
#define DECODE_TCP_PSH 0x08
#define DECODE_TCP_ACK 0x10
#define DECODE_TCP_URG 0x20

#define DECODE_PROTO_ICMP 1
#define DECODE_PROTO_TCP 6
#define DECODE_PROTO_UDP 17
#define DECODE_PROTO_ICMPV6 58

/* One decoded packet; borrows from the capture batch.  What every packet needs comes first and
 * fills one cache line. */
struct decode_packet {
	struct ip src;
	struct ip dst;
	int64_t time_us;
	uint32_t seq; /* TCP */
	uint32_t ack;
	uint16_t sport;  /* TCP, UDP; ICMP: identifier */
	uint16_t dport;  /* TCP, UDP; ICMP: type */
	uint16_t ip_id;  /* IPv4 */
	uint16_t ip_len; /* total length as the header declares it, IPv6: payload + 40 */
	uint16_t window; /* TCP */
	uint8_t proto;   /* IP protocol, after IPv6 extension headers */
	uint8_t flags;   /* enum decode_flag */
	uint8_t tcp_flags;
	uint8_t ttl;
	uint8_t drop; /* enum decode_drop; 0 = counted so far */
	uint8_t tos;
	const uint8_t *data;
	uint32_t data_len;
	uint32_t payload_len;      /* captured bytes of payload, padding excluded */
	uint16_t transport_offset; /* of the transport header in data */
	uint16_t payload_offset;   /* of the payload in data */
	uint16_t network_offset;   /* of the IP header; DECODE_NO_NETWORK: there is none */
	uint16_t linktype;
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint16_t quoted_sport; /* of the quoted datagram, so as it left the quoted source */
	uint16_t quoted_dport;
	uint8_t quoted_proto;
	struct ip quoted_src;
	struct ip quoted_dst;
};
_Static_assert(offsetof(struct decode_packet, data) == 64, "the first cache line");

/* Decodes count (≤ CAPTURE_BATCH_MAX) packets; ret_packets[i] describes packets[i]. */
void decode_batch(const struct capture_packet *packets, size_t count,
    struct decode_packet *ret_packets);
