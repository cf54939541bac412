/* Recent SYNs; the contract is in recent.h. */
#include "stream/recent.h"

#include "base/large.h"

#include <errno.h>
#include <string.h>

#define OPTIONS_LEN_MASK 0x3fu
#define SYN_DATA_MAX 65535u /* a SYN-ACK acknowledges that much with the SYN (RFC 7413) */

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

int64_t recent_time_us(const struct recent_entry *e)
{
	return e->time_and_shape >> RECENT_SHAPE_BITS;
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
	e->time_and_shape = recent_pack_time(p->time_us, 0);
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
	size_t header_len = RECENT_TCP_HEADER + options_len;
	uint8_t header[RECENT_TCP_HEADER + RECENT_OPTIONS_MAX] = {0};
	struct decode_packet p = {
		.seq = e->client_isn,
		.ack = shape & RECENT_SHAPE_ACK ? 1 : 0,
		.ip_id = shape & RECENT_SHAPE_IP_ID ? 1 : 0,
		.window = e->window,
		.proto = DECODE_PROTO_TCP,
		.flags = (uint8_t)((shape & RECENT_SHAPE_OF_FLAGS) | DECODE_TRANSPORT),
		.tcp_flags = (uint8_t)(DECODE_TCP_SYN | (shape & RECENT_SHAPE_ECN ? 0xc0 : 0)),
		.ttl = ttl_classes[e->options_len >> RECENT_TTL_SHIFT],
		.data = header,
		.data_len = (uint32_t)header_len,
		.payload_offset = (uint16_t)header_len,
	};

	/* An offset that contradicts the lengths is one quirk, whatever its value. */
	header[12] = (uint8_t)((shape & RECENT_SHAPE_BAD_OFFSET ? 0 : header_len / 4) << 4);
	header[18] = shape & RECENT_SHAPE_URG_PTR ? 1 : 0;
	memcpy(header + RECENT_TCP_HEADER, e->options + RECENT_OPTIONS_MAX - options_len, options_len);
	return recent_signature_of(&p, tools);
}
