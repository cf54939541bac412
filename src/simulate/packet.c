/*
 * Frames with valid checksums, and pcap records around them.
 *
 * RFC 791, 8200, 9293, 768, 792, 4443, 1071 (checksum); pcap as in draft-ietf-opsawg-pcap.
 */
#include "simulate/packet.h"

#include "base/wr.h"
#include "simulate/payload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE (1u << 20)
#define RECORD_HEADER 16
#define ETHER_HEADER 14
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV6 0x86dd
#define SHORT_CAPTURE (ETHER_HEADER + 20 + 9)
#define SNAPLEN 65535
#define LINKTYPE_ETHERNET 1
#define IP_ID_ZMAP 54321
#define IPV4_DF 0x4000

/* Locally administered addresses: a router that delivers and a sensor that receives. */
static const uint8_t mac_router[6] = {0x02, 0x00, 0x5e, 0x00, 0x00, 0x01};
static const uint8_t mac_sensor[6] = {0x02, 0x00, 0x5e, 0x00, 0x00, 0x02};

static uint64_t checksum_add(uint64_t sum, const uint8_t *data, size_t len)
{
	size_t i = 0;

	for (; i + 1 < len; i += 2)
		sum += (uint64_t)data[i] << 8 | data[i + 1];
	if (i < len)
		sum += (uint64_t)data[i] << 8;
	return sum;
}

static uint16_t checksum_end(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void store_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint64_t pseudo_sum(const struct packet *p, uint8_t proto, size_t len)
{
	uint64_t sum = (uint64_t)proto + len;

	for (int shift = 0; shift < 64; shift += 16) {
		sum += (p->src >> shift) & 0xffff;
		sum += (p->dst >> shift) & 0xffff;
		if (p->v6) {
			sum += (p->src_hi >> shift) & 0xffff;
			sum += (p->dst_hi >> shift) & 0xffff;
		}
	}
	return sum;
}

static void write_tcp(struct wr *w, const struct packet *p)
{
	size_t options = wr_len(w) + 20;

	wr_u16be(w, p->sport);
	wr_u16be(w, p->dport);
	wr_u32be(w, p->seq);
	wr_u32be(w, p->ack);
	wr_u8(w, (uint8_t)((5 + p->options_len / 4) << 4));
	wr_u8(w, p->tcp_flags);
	wr_u16be(w, p->window);
	wr_u32be(w, 0);
	wr_bytes(w, p->options, p->options_len);
	if (p->ts_offset && !w->bad) {
		store_u16(w->start + options + p->ts_offset, (uint16_t)(p->ts_value >> 16));
		store_u16(w->start + options + p->ts_offset + 2, (uint16_t)p->ts_value);
	}
}

/* Transport header and payload with a zero checksum; returns where the checksum belongs. */
static size_t write_transport(struct wr *w, const struct packet *p)
{
	uint8_t body[PACKET_PAYLOAD_MAX];
	size_t start = wr_len(w);
	size_t body_len = 0;
	size_t at = 0;

	if (p->payload != PAYLOAD_NONE)
		body_len = payload_write((enum payload_kind)p->payload, p->payload_key,
		    (uint32_t)p->dst, body, sizeof body);
	switch (p->proto) {
	case PACKET_TCP:
		write_tcp(w, p);
		at = start + 16;
		break;
	case PACKET_UDP:
		wr_u16be(w, p->sport);
		wr_u16be(w, p->dport);
		wr_u16be(w, (uint16_t)(8 + body_len));
		wr_u16be(w, 0);
		at = start + 6;
		break;
	default:
		wr_u8(w, p->icmp_type);
		wr_u8(w, p->icmp_code);
		wr_u16be(w, 0);
		wr_u16be(w, p->sport);
		wr_u16be(w, p->dport);
		at = start + 2;
		break;
	}
	wr_bytes(w, body, body_len);
	return at;
}

static void write_ipv4(struct wr *w, const struct packet *p)
{
	size_t ip = wr_len(w);
	bool later = p->damage == PACKET_LATER_FRAGMENT;
	size_t transport;
	size_t check;
	uint64_t sum;

	wr_u8(w, p->damage == PACKET_BAD_HEADER ? 0x44 : 0x45);
	wr_u8(w, p->tos);
	wr_u16be(w, 0);
	wr_u16be(w, p->ip_id);
	wr_u16be(w, later ? 185 : p->df ? IPV4_DF : 0);
	wr_u8(w, p->ttl);
	wr_u8(w, p->proto);
	wr_u16be(w, 0);
	wr_u32be(w, (uint32_t)p->src);
	wr_u32be(w, (uint32_t)p->dst);
	transport = wr_len(w);
	check = write_transport(w, p);
	if (w->bad)
		return;
	store_u16(w->start + ip + 2, (uint16_t)(wr_len(w) - ip));
	store_u16(w->start + ip + 10, checksum_end(checksum_add(0, w->start + ip, 20)));
	sum = p->proto == PACKET_ICMP ? 0 : pseudo_sum(p, p->proto, wr_len(w) - transport);
	sum = checksum_add(sum, w->start + transport, wr_len(w) - transport);
	store_u16(w->start + check, checksum_end(sum));
}

static void write_ipv6(struct wr *w, const struct packet *p)
{
	size_t ip = wr_len(w);
	size_t transport;
	size_t check;
	uint64_t sum;

	wr_u32be(w, 0x60000000u | (uint32_t)p->tos << 20);
	wr_u16be(w, 0);
	wr_u8(w, p->proto);
	wr_u8(w, p->ttl);
	wr_u64be(w, p->src_hi);
	wr_u64be(w, p->src);
	wr_u64be(w, p->dst_hi);
	wr_u64be(w, p->dst);
	transport = wr_len(w);
	check = write_transport(w, p);
	if (w->bad)
		return;
	store_u16(w->start + ip + 4, (uint16_t)(wr_len(w) - transport));
	sum = pseudo_sum(p, p->proto, wr_len(w) - transport);
	sum = checksum_add(sum, w->start + transport, wr_len(w) - transport);
	store_u16(w->start + check, checksum_end(sum));
}

/* Who has `dst`, asks the router. */
static void write_arp(struct wr *w, const struct packet *p)
{
	wr_u16be(w, 1);
	wr_u16be(w, ETHERTYPE_IPV4);
	wr_u8(w, 6);
	wr_u8(w, 4);
	wr_u16be(w, 1);
	wr_bytes(w, mac_router, sizeof mac_router);
	wr_u32be(w, (uint32_t)p->src);
	wr_bytes(w, (const uint8_t[6]){0}, 6);
	wr_u32be(w, (uint32_t)p->dst);
}

size_t packet_build(const struct packet *packet, uint8_t frame[PACKET_FRAME_MAX])
{
	struct wr w = wr_init(frame, PACKET_FRAME_MAX);

	wr_bytes(&w, packet->outbound ? mac_router : mac_sensor, 6);
	wr_bytes(&w, packet->outbound ? mac_sensor : mac_router, 6);
	if (packet->damage == PACKET_ARP) {
		wr_u16be(&w, ETHERTYPE_ARP);
		write_arp(&w, packet);
	} else if (packet->v6) {
		wr_u16be(&w, ETHERTYPE_IPV6);
		write_ipv6(&w, packet);
	} else {
		wr_u16be(&w, ETHERTYPE_IPV4);
		write_ipv4(&w, packet);
	}
	return wr_len(&w);
}

int packet_writer_init(struct packet_writer *writer, simulate_write_fn write, void *arg)
{
	uint8_t *block = malloc(BLOCK_SIZE);
	struct wr w;

	if (!block)
		return -ENOMEM;
	w = wr_init(block, BLOCK_SIZE);
	wr_u32le(&w, 0xa1b2c3d4u);
	wr_u16le(&w, 2);
	wr_u16le(&w, 4);
	wr_u64le(&w, 0);
	wr_u32le(&w, SNAPLEN);
	wr_u32le(&w, LINKTYPE_ETHERNET);
	*writer = (struct packet_writer){
	    .write = write, .arg = arg, .block = block, .len = wr_len(&w)};
	writer->totals.bytes = writer->len;
	return ST_OK;
}

static void count_marks(struct simulate_totals *t, const struct packet *p)
{
	t->syn++;
	if (p->v6)
		return;
	t->mirai += p->seq == (uint32_t)p->dst;
	t->zmap += p->ip_id == IP_ID_ZMAP;
	t->masscan += p->ip_id == (uint16_t)((uint32_t)p->dst ^ p->dport ^ p->seq);
}

static void count_packet(struct simulate_totals *t, const struct packet *p, size_t record)
{
	if (t->packets == 0 || p->time_us < t->first_us)
		t->first_us = p->time_us;
	if (t->packets == 0 || p->time_us > t->last_us)
		t->last_us = p->time_us;
	t->packets++;
	t->bytes += record;
	if (p->damage != PACKET_SOUND) {
		t->damaged++;
		return;
	}
	if (p->outbound) {
		t->outbound++;
		return;
	}
	if (p->proto == PACKET_TCP && p->tcp_flags == PACKET_SYN)
		count_marks(t, p);
	else if (p->proto == PACKET_UDP)
		t->udp++;
	else if (p->proto != PACKET_TCP)
		t->icmp++;
}

int packet_writer_put(struct packet_writer *writer, const struct packet *packet)
{
	uint8_t *record;
	struct wr w;
	size_t wire;
	size_t len;

	if (BLOCK_SIZE - writer->len < RECORD_HEADER + PACKET_FRAME_MAX) {
		int rc = packet_writer_flush(writer);
		if (rc)
			return rc;
	}
	record = writer->block + writer->len;
	wire = packet_build(packet, record + RECORD_HEADER);
	len = packet->damage == PACKET_SHORT && wire > SHORT_CAPTURE ? SHORT_CAPTURE : wire;
	w = wr_init(record, RECORD_HEADER);
	wr_u32le(&w, (uint32_t)(packet->time_us / 1000000));
	wr_u32le(&w, (uint32_t)(packet->time_us % 1000000));
	wr_u32le(&w, (uint32_t)len);
	wr_u32le(&w, (uint32_t)wire);
	writer->len += RECORD_HEADER + len;
	count_packet(&writer->totals, packet, RECORD_HEADER + len);
	return ST_OK;
}

int packet_writer_flush(struct packet_writer *writer)
{
	size_t len = writer->len;

	writer->len = 0;
	return len ? writer->write(writer->arg, writer->block, len) : 0;
}

void packet_writer_fini(struct packet_writer *writer)
{
	free(writer->block);
	*writer = (struct packet_writer){0};
}
