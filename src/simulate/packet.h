/*
 * One packet to be written, in host order, and the capture file it goes into.
 *
 * Frames are Ethernet II with valid IP, TCP, UDP, ICMP and ICMPv6 checksums, unless a packet is
 * damaged on purpose.  Pure computation: bytes leave only through the caller's callback.
 */
#pragma once

#include "simulate/simulate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_OPTIONS_MAX 40
#define PACKET_PAYLOAD_MAX 1400
#define PACKET_FRAME_MAX 1536

enum packet_damage {
	PACKET_SOUND,
	PACKET_SHORT,          /* captured bytes end inside the TCP header */
	PACKET_ARP,            /* not IP at all */
	PACKET_LATER_FRAGMENT, /* offset > 0: no transport header */
	PACKET_BAD_HEADER,     /* IPv4 header length of 4 words */
};

enum packet_proto {
	PACKET_ICMP = 1,
	PACKET_TCP = 6,
	PACKET_UDP = 17,
	PACKET_ICMPV6 = 58,
};

#define PACKET_FIN 0x01
#define PACKET_SYN 0x02
#define PACKET_RST 0x04
#define PACKET_PSH 0x08
#define PACKET_ACK 0x10

struct packet {
	int64_t time_us;
	uint64_t src_hi; /* IPv6 when v6, else unused */
	uint64_t dst_hi;
	uint64_t src; /* IPv4 address, or the lower half of an IPv6 address */
	uint64_t dst;
	uint64_t payload_key; /* what the payload is made from (payload.h) */
	uint32_t seq;
	uint32_t ack;
	uint32_t order;     /* among packets of the same time */
	uint32_t ts_value;  /* replaces the TSval of a timestamp option when ts_offset is set */
	uint16_t sport;     /* ICMP: identifier */
	uint16_t dport;     /* ICMP: sequence number */
	uint16_t window;
	uint16_t ip_id;
	uint16_t event; /* index of the planted event, for counting; 0 = background */
	uint8_t proto;  /* enum packet_proto */
	uint8_t tcp_flags;
	uint8_t ttl;
	uint8_t tos;
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint8_t payload; /* enum payload_kind */
	uint8_t damage;  /* enum packet_damage */
	uint8_t options_len;
	uint8_t ts_offset; /* of TSval in options; 0 = none */
	bool df;
	bool v6;
	bool outbound; /* sent by an observed address */
	const uint8_t *options; /* static */
};

/* Writes the Ethernet frame; returns its length (≤ PACKET_FRAME_MAX). */
size_t packet_build(const struct packet *packet, uint8_t frame[PACKET_FRAME_MAX]);

/* A pcap file (microseconds, little endian, Ethernet, snap length 65535) that is being written. */
struct packet_writer {
	simulate_write_fn write;
	void *arg;
	struct simulate_totals totals;
	uint8_t *block;
	size_t len;
};

/* Allocates the block and puts the file header into it.  End with packet_writer_fini. */
ST_MUST_CHECK int packet_writer_init(struct packet_writer *writer, simulate_write_fn write,
    void *arg);

/* Appends one record and counts it; non-zero is the callback's answer. */
ST_MUST_CHECK int packet_writer_put(struct packet_writer *writer, const struct packet *packet);

/* Hands the last block over. */
ST_MUST_CHECK int packet_writer_flush(struct packet_writer *writer);
void packet_writer_fini(struct packet_writer *writer);
