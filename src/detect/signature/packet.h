/*
 * A packet as rules see it: headers in full, payload, and what is packed inside.
 * Private to detect/.
 *
 * Unlike decode/, which counts and looks at the outer header alone, this enters tunnels.  A packet
 * that the capture cut short is not matched, as its end could say anything.
 */
#pragma once

#include "detect/signature/rule.h"

#define PACKET_DEPTH_MAX 8

struct packet {
	struct ip src;
	struct ip dst;
	int64_t time_us;
	const uint8_t *network; /* IP header */
	const uint8_t *transport;
	const uint8_t *payload;
	uint32_t network_len;   /* header with options */
	uint32_t transport_len; /* header with options; 0: none */
	uint32_t payload_len;
	uint32_t seq;
	uint32_t ack;
	uint32_t events;        /* bit per enum decode_event */
	uint16_t sport;
	uint16_t dport;
	uint16_t ip_id;
	uint16_t window;
	uint16_t fragment_offset;
	uint16_t icmp_id;
	uint16_t icmp_seq;
	uint8_t family; /* 4 or 6 */
	uint8_t proto;
	uint8_t rule_proto; /* one RULE_PROTO_… */
	uint8_t ttl;
	uint8_t tos;
	uint8_t fragment_bits; /* 1 more, 2 do not fragment, 4 reserved */
	uint8_t tcp_flags;
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint8_t depth; /* how many packets it was inside of */
	bool has_ports;
	bool has_icmp_id;
	bool bare; /* made up around bytes: of its headers only ends and protocol are known */
	bool fragment; /* not the whole datagram */
	uint32_t fragment_id;
	bool fast_open; /* the TCP option of RFC 7413 */
	bool has_timestamps; /* RFC 7323 */
	uint32_t timestamp;
	uint32_t timestamp_echo;
};

/* Reads the IP packet in data[0..len).  False: nothing here that rules could match. */
bool packet_parse(const uint8_t *data, size_t len, int64_t time_us, struct packet *ret_packet);

/* Reads what follows a whole IP header; for datagrams that were put together. */
bool packet_parse_transport(struct packet *packet, const uint8_t *data, size_t len);

/* An IP packet inside: NULL when there is none. */
const uint8_t *packet_inner(const struct packet *packet, size_t *ret_len);
