/* Recent SYNs; the contract is in recent.h. */
#include "stream/recent.h"

#include "base/large.h"
#include "base/rd.h"
#include "fingerprint/marks.h"

#include <errno.h>
#include <string.h>

#define TCP_HEADER_LEN 20u
#define SHAPE_BITS 8
#define TIME_MAX_US ((1ll << (63 - SHAPE_BITS)) - 1)
#define OPTIONS_LEN_MASK 0x3fu
#define TTL_SHIFT 6
#define SYN_DATA_MAX 65535u /* a SYN-ACK acknowledges that much with the SYN (RFC 7413) */

/* What syn_parse reads of the headers besides options, window, TTL and sequence number.  The first
 * three are where decode_packet.flags has them. */
enum shape {
	SHAPE_V4 = DECODE_V4,
	SHAPE_DF = DECODE_IP_DF,
	SHAPE_IP_OPTIONS = DECODE_IP_OPTIONS,
	SHAPE_IP_ID = 1 << 1,
	SHAPE_ACK = 1 << 2,
	SHAPE_ECN = 1 << 3,
	SHAPE_URG_PTR = 1 << 6,
	SHAPE_BAD_OFFSET = 1 << 7,
};
#define SHAPE_OF_FLAGS (SHAPE_V4 | SHAPE_DF | SHAPE_IP_OPTIONS)
_Static_assert((SHAPE_OF_FLAGS & (SHAPE_IP_ID | SHAPE_ACK | SHAPE_ECN | SHAPE_URG_PTR
    | SHAPE_BAD_OFFSET)) == 0, "a bit each");
_Static_assert(RECORD_MARK_COUNT + RECENT_MARKS_SHIFT <= 8, "marks fit above the flags");

static const uint8_t ttl_classes[] = {32, 64, 128, 255};

int recent_init(struct recent *r)
{
	r->entries = large_alloc(RECENT_ENTRIES * sizeof(*r->entries));
	return r->entries ? ST_OK : -ENOMEM;
}

void recent_fini(struct recent *r)
{
	large_free(r->entries, RECENT_ENTRIES * sizeof(*r->entries));
	r->entries = NULL;
}

static int64_t pack_time(int64_t time_us, unsigned shape)
{
	time_us = time_us > TIME_MAX_US ? TIME_MAX_US : time_us;
	time_us = time_us < -TIME_MAX_US ? -TIME_MAX_US : time_us;
	return (int64_t)((uint64_t)time_us << SHAPE_BITS | shape);
}

int64_t recent_time_us(const struct recent_entry *e)
{
	return e->time_and_shape >> SHAPE_BITS;
}

static unsigned ttl_class(uint8_t ttl)
{
	return (ttl > 32) + (ttl > 64) + (ttl > 128);
}

static unsigned shape_of(const struct decode_packet *p, const uint8_t *header, size_t header_len)
{
	return (p->flags & SHAPE_OF_FLAGS)
	    | (p->ip_id ? SHAPE_IP_ID : 0u)
	    | (p->ack ? SHAPE_ACK : 0u)
	    | (p->tcp_flags & 0xc0 ? SHAPE_ECN : 0u)
	    | (rd_at_u16be(header + 18) ? SHAPE_URG_PTR : 0u)
	    | ((size_t)(header[12] >> 4) * 4 != header_len ? SHAPE_BAD_OFFSET : 0u);
}

/*
 * Most packets of a darknet come here, so nothing branches on what they hold: the options are the
 * last of as many bytes as there may be, and those before them are headers.
 */
void recent_note_syn(struct recent *r, const struct decode_packet *p, struct slot_key key)
{
	struct recent_entry *e = &r->entries[key.hash % RECENT_ENTRIES];
	size_t header_len = (size_t)p->payload_offset - p->transport_offset;
	size_t options_len = header_len - TCP_HEADER_LEN;
	const uint8_t *header = p->data + p->transport_offset;

	/* Shorter than a header, or longer than a data offset can say. */
	if (p->payload_offset < p->transport_offset || header_len < TCP_HEADER_LEN
	    || options_len > RECENT_OPTIONS_MAX || p->payload_offset < RECENT_OPTIONS_MAX)
		return;
	e->tag = (uint32_t)(key.hash >> 32);
	e->client_isn = p->seq;
	e->window = p->window;
	e->flags = (uint8_t)(RECENT_SYN | (key.src_low ? RECENT_CLIENT_LOW : 0)
	    | marks_of_tcp(p) << RECENT_MARKS_SHIFT);
	e->options_len = (uint8_t)(options_len | ttl_class(p->ttl) << TTL_SHIFT);
	e->time_and_shape = pack_time(p->time_us, shape_of(p, header, header_len));
	memcpy(e->options, p->data + p->payload_offset - RECENT_OPTIONS_MAX, RECENT_OPTIONS_MAX);
}

void recent_note_syn_ack(struct recent *r, const struct decode_packet *p, struct slot_key key)
{
	struct recent_entry *e = &r->entries[key.hash % RECENT_ENTRIES];

	if (e->tag == (uint32_t)(key.hash >> 32) && e->flags & RECENT_SYN
	    && !(e->flags & RECENT_CLIENT_LOW) == key.src_low
	    && p->ack - e->client_isn - 1 <= SYN_DATA_MAX) {
		e->server_isn = p->seq;
		e->flags |= RECENT_SYN_ACK;
		return;
	}
	e->tag = (uint32_t)(key.hash >> 32);
	e->client_isn = p->ack - 1;
	e->server_isn = p->seq;
	e->flags = (uint8_t)(RECENT_SYN_ACK | (key.src_low ? 0 : RECENT_CLIENT_LOW));
	e->time_and_shape = pack_time(p->time_us, 0);
}

void recent_note_ack(struct recent *r, const struct decode_packet *p, struct slot_key key)
{
	struct recent_entry *e = &r->entries[key.hash % RECENT_ENTRIES];

	if (e->tag == (uint32_t)(key.hash >> 32) && e->flags & RECENT_SYN_ACK
	    && !(e->flags & RECENT_CLIENT_LOW) != key.src_low && e->server_isn + 1 == p->ack)
		e->flags |= RECENT_ACK;
}

const struct recent_entry *recent_find(const struct recent *r, uint64_t hash)
{
	const struct recent_entry *e = &r->entries[hash % RECENT_ENTRIES];

	if (e->tag != (uint32_t)(hash >> 32) || !(e->flags & (RECENT_SYN | RECENT_SYN_ACK)))
		return NULL;
	return e;
}

uint32_t recent_signature_of(const struct decode_packet *p, struct tools *tools)
{
	struct syn syn;

	syn_parse(p, &syn);
	return tools ? tools_match(tools, p, &syn, 0).signature : syn_id(&syn);
}

uint32_t recent_signature(const struct recent_entry *e, struct tools *tools)
{
	unsigned shape = (uint8_t)e->time_and_shape;
	size_t options_len = e->options_len & OPTIONS_LEN_MASK;
	size_t header_len = TCP_HEADER_LEN + options_len;
	uint8_t header[TCP_HEADER_LEN + RECENT_OPTIONS_MAX] = {0};
	struct decode_packet p = {
		.seq = e->client_isn,
		.ack = shape & SHAPE_ACK ? 1 : 0,
		.ip_id = shape & SHAPE_IP_ID ? 1 : 0,
		.window = e->window,
		.proto = DECODE_PROTO_TCP,
		.flags = (uint8_t)((shape & SHAPE_V4 ? DECODE_V4 : 0) | (shape & SHAPE_DF ? DECODE_IP_DF : 0)
		    | (shape & SHAPE_IP_OPTIONS ? DECODE_IP_OPTIONS : 0) | DECODE_TRANSPORT),
		.tcp_flags = (uint8_t)(DECODE_TCP_SYN | (shape & SHAPE_ECN ? 0xc0 : 0)),
		.ttl = ttl_classes[e->options_len >> TTL_SHIFT],
		.data = header,
		.data_len = (uint32_t)header_len,
		.payload_offset = (uint16_t)header_len,
	};

	/* An offset that contradicts the lengths is one quirk, whatever its value. */
	header[12] = (uint8_t)((shape & SHAPE_BAD_OFFSET ? 0 : header_len / 4) << 4);
	header[18] = shape & SHAPE_URG_PTR ? 1 : 0;
	memcpy(header + TCP_HEADER_LEN, e->options + RECENT_OPTIONS_MAX - options_len, options_len);
	return recent_signature_of(&p, tools);
}
