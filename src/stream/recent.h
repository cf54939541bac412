/*
 * Private to stream/: recent SYNs and SYN-ACKs, so that a stream that comes to carry payload knows
 * how it began although it cost nothing until then.
 *
 * A small direct-mapped memory that forgets whatever is overwritten: it stays in the cache of a
 * core, and a flood of SYNs takes no more than that.  What the SYN's signature needs is kept as it
 * was on the wire and worked out only for the few SYNs that payload follows.
 */
#pragma once

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

/* A SYN without FIN, RST and ACK.  (With data: its signature is not to be asked for later.) */
void recent_note_syn(struct recent *recent, const struct decode_packet *packet,
    struct slot_key key);
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
