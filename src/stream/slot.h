/*
 * Private to stream/: what is kept of one stream.  Three cache lines, because there are a million:
 * who and when; counts and links; the two directions.
 */
#pragma once

#include "base/hash.h"
#include "stream/stream.h"

#define SLOT_NONE UINT32_MAX

enum side_flag {
	SIDE_KNOWN = 1 << 0,   /* base and next are valid */
	SIDE_GUESSED = 1 << 1, /* from the other side's ACK, nothing delivered: may still go back */
	SIDE_ACKED = 1 << 2,   /* acked is valid */
	SIDE_WAITING = 1 << 3, /* bytes that the other side has are missing since hole_ms */
	SIDE_FIN = 1 << 4,     /* fin is valid */
	SIDE_CUT = 1 << 5,     /* a held segment was cut by the snap length: do not wait for holes */
	SIDE_CUT_TAIL = 1 << 6, /* what was held last may have been cut: nor for the next hole */
};

/* What one end sent.  Sequence numbers are compared by their difference (RFC 9293 3.4). */
struct side {
	uint32_t base;  /* of its first byte */
	uint32_t next;  /* of the next byte to deliver */
	uint32_t acked; /* the other side has everything below */
	uint32_t fin;   /* of the FIN: the stream's end */
	uint32_t hole_ms;
	uint32_t held_head; /* hold.h */
	uint32_t held_tail;
	uint16_t held_nodes;
	uint8_t flags; /* enum side_flag */
};

enum slot_state {
	SLOT_FREE,
	SLOT_OPEN,
	SLOT_ENDED, /* closed to the sink; kept a while so that retransmissions open nothing new */
};

enum slot_flag {
	SLOT_SYN_ACK = 1 << 0, /* the server's SYN-ACK was seen */
	SLOT_HALF_CLOSED = 1 << 1,
};

struct slot {
	struct stream stream;
	uint32_t hash;    /* low half: the index bucket */
	uint32_t prev;    /* in the list of wheel.h */
	uint32_t next;    /* there, or in the list of free slots */
	uint32_t touched; /* tick of the last packet */
	uint16_t list;
	uint8_t state; /* enum slot_state */
	uint8_t flags; /* enum slot_flag */
	_Alignas(64) struct side sides[2];
};
_Static_assert(sizeof(struct slot) == 192, "three cache lines");
_Static_assert(offsetof(struct slot, sides) == 128, "the directions have their own line");

/* Both directions of a conversation have the same hash; src_low tells them apart. */
struct slot_key {
	uint64_t hash;
	bool src_low;
};

static inline uint64_t slot_end_word(struct ip ip, uint16_t port)
{
	return ip.hi == 0 ? ip.lo << 16 | port : hash_pair(ip.hi ^ port, ip.lo);
}

static inline struct slot_key slot_key_between(const struct decode_packet *p, uint64_t src,
    uint64_t dst)
{
	bool src_low = src < dst;
	uint64_t low = src_low ? src : dst;
	uint64_t high = src_low ? dst : src;

	return (struct slot_key){hash_pair(low + p->proto, high), src_low};
}

static inline struct slot_key slot_key_of(const struct decode_packet *p)
{
	return slot_key_between(p, slot_end_word(p->src, p->sport), slot_end_word(p->dst, p->dport));
}

/* The same when both ends are IPv4. */
static inline struct slot_key slot_key_of_v4(const struct decode_packet *p)
{
	return slot_key_between(p, p->src.lo << 16 | p->sport, p->dst.lo << 16 | p->dport);
}

static inline int32_t seq_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}
