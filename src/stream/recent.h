/*
 * Private to stream/: recent SYNs and SYN-ACKs, so that a stream that comes to carry payload knows
 * how it began although it cost nothing until then.
 *
 * A small direct-mapped memory that forgets whatever is overwritten: it stays in the cache of a
 * core, and a flood of SYNs takes no more than that.  What the SYN's signature needs is kept as it
 * was on the wire and worked out only for the few SYNs that payload follows.
 */
#pragma once

#include "base/rd.h"
#include "fingerprint/marks.h"
#include "fingerprint/syn.h"
#include "fingerprint/tools.h"
#include "stream/slot.h"

#define RECENT_ENTRIES 8192u
#define RECENT_OPTIONS_MAX 40u

enum recent_flag {
	RECENT_SYN = 1 << 0,
	RECENT_SYN_ACK = 1 << 1,
	RECENT_ACK = 1 << 2,        /* the third packet */
	RECENT_CLIENT_LOW = 1 << 3, /* slot_key.src_low of the client's packets */
	RECENT_MARKS_SHIFT = 4,     /* marks of the SYN above */
};

/* What syn_parse reads of the headers besides options, window, TTL and sequence number.  The first
 * three are where decode_packet.flags has them. */
enum recent_shape {
	RECENT_SHAPE_V4 = DECODE_V4,
	RECENT_SHAPE_DF = DECODE_IP_DF,
	RECENT_SHAPE_IP_OPTIONS = DECODE_IP_OPTIONS,
	RECENT_SHAPE_IP_ID = 1 << 1,
	RECENT_SHAPE_ACK = 1 << 2,
	RECENT_SHAPE_ECN = 1 << 3,
	RECENT_SHAPE_URG_PTR = 1 << 6,
	RECENT_SHAPE_BAD_OFFSET = 1 << 7,
};
#define RECENT_SHAPE_OF_FLAGS (RECENT_SHAPE_V4 | RECENT_SHAPE_DF | RECENT_SHAPE_IP_OPTIONS)
_Static_assert((RECENT_SHAPE_OF_FLAGS & (RECENT_SHAPE_IP_ID | RECENT_SHAPE_ACK | RECENT_SHAPE_ECN
    | RECENT_SHAPE_URG_PTR | RECENT_SHAPE_BAD_OFFSET)) == 0, "a bit each");
_Static_assert(RECORD_MARK_COUNT + RECENT_MARKS_SHIFT <= 8, "marks fit above the flags");
#define RECENT_SHAPE_BITS 8
#define RECENT_TIME_MAX_US ((1ll << (63 - RECENT_SHAPE_BITS)) - 1)
#define RECENT_TTL_SHIFT 6
#define RECENT_TCP_HEADER 20u

/* One cache line. */
struct recent_entry {
	uint32_t tag;
	uint32_t client_isn;
	uint32_t server_isn; /* with RECENT_SYN_ACK */
	uint16_t window;
	uint8_t flags;         /* enum recent_flag */
	uint8_t options_len;   /* and the class of the TTL above it */
	int64_t time_and_shape; /* microseconds, and what the signature needs of the header below */
	uint8_t options[RECENT_OPTIONS_MAX]; /* at the end */
};
_Static_assert(sizeof(struct recent_entry) == 64, "one cache line");

struct recent {
	struct recent_entry *entries;
};

ST_MUST_CHECK int recent_init(struct recent *recent);
void recent_fini(struct recent *recent);

static inline int64_t recent_pack_time(int64_t time_us, unsigned shape)
{
	time_us = time_us > RECENT_TIME_MAX_US ? RECENT_TIME_MAX_US : time_us;
	time_us = time_us < -RECENT_TIME_MAX_US ? -RECENT_TIME_MAX_US : time_us;
	return (int64_t)((uint64_t)time_us << RECENT_SHAPE_BITS | shape);
}

static inline unsigned recent_ttl_class(uint8_t ttl)
{
	/* A table, as it is asked of every SYN: up to 32, 64, 128 and 255. */
	static const uint8_t classes[8] = {0, 1, 2, 2, 3, 3, 3, 3};

	return classes[((unsigned)ttl - (ttl > 0)) >> 5];
}

static inline unsigned recent_shape_of(const struct decode_packet *p, const uint8_t *header,
    size_t header_len)
{
	return (p->flags & RECENT_SHAPE_OF_FLAGS)
	    | (p->ip_id ? RECENT_SHAPE_IP_ID : 0u)
	    | (p->ack ? RECENT_SHAPE_ACK : 0u)
	    | (p->tcp_flags & 0xc0 ? RECENT_SHAPE_ECN : 0u)
	    | (rd_at_u16be(header + 18) ? RECENT_SHAPE_URG_PTR : 0u)
	    | ((size_t)(header[12] >> 4) * 4 != header_len ? RECENT_SHAPE_BAD_OFFSET : 0u);
}

/*
 * A SYN without FIN, RST and ACK.  (With data: its signature is not to be asked for later.)
 *
 * Most packets of a darknet come here, so it is inline and nothing branches on what they hold: the
 * options are the last of as many bytes as there may be, and those before them are headers.
 */
static inline void recent_note_syn(struct recent *recent, const struct decode_packet *p,
    struct slot_key key)
{
	struct recent_entry *e = &recent->entries[key.hash % RECENT_ENTRIES];
	size_t header_len = (size_t)p->payload_offset - p->transport_offset;
	size_t options_len = header_len - RECENT_TCP_HEADER;
	const uint8_t *header = p->data + p->transport_offset;

	/* Shorter than a header, or longer than a data offset can say; wraps when negative. */
	if (options_len > RECENT_OPTIONS_MAX || p->payload_offset < RECENT_OPTIONS_MAX)
		return;
	e->tag = (uint32_t)(key.hash >> 32);
	e->client_isn = p->seq;
	e->window = p->window;
	e->flags = (uint8_t)(RECENT_SYN | (key.src_low ? RECENT_CLIENT_LOW : 0)
	    | marks_of_tcp(p) << RECENT_MARKS_SHIFT);
	e->options_len = (uint8_t)(options_len | recent_ttl_class(p->ttl) << RECENT_TTL_SHIFT);
	e->time_and_shape = recent_pack_time(p->time_us, recent_shape_of(p, header, header_len));
	memcpy(e->options, p->data + p->payload_offset - RECENT_OPTIONS_MAX, RECENT_OPTIONS_MAX);
}

void recent_note_syn_ack(struct recent *recent, const struct decode_packet *packet,
    struct slot_key key);
/* Any other packet without payload that acknowledges something. */
void recent_note_ack(struct recent *recent, const struct decode_packet *packet,
    struct slot_key key);

/* What is remembered of the conversation, or NULL. */
const struct recent_entry *recent_find(const struct recent *recent, uint64_t hash);

int64_t recent_time_us(const struct recent_entry *entry);

static inline uint8_t recent_marks(const struct recent_entry *entry)
{
	return entry->flags >> RECENT_MARKS_SHIFT;
}

/* The signature's id, its text remembered in tools (may be NULL). */
uint32_t recent_signature(const struct recent_entry *entry, struct tools *tools);

/* The same of a SYN that is at hand. */
uint32_t recent_signature_of(const struct decode_packet *packet, struct tools *tools);

static inline void recent_prefetch(const struct recent *recent, uint64_t hash)
{
	__builtin_prefetch(&recent->entries[hash % RECENT_ENTRIES], 1);
}
