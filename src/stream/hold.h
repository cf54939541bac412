/*
 * Private to stream/: bytes that came out of order, in a pool that all streams share.
 *
 * A node covers an aligned stretch of sequence space and knows by a bit which of its bytes are
 * there: whatever segments overlap how, a byte is stored once, its first copy, and a sender of tiny
 * segments takes no more nodes than the stretch he writes to has.
 */
#pragma once

#include "stream/slot.h"

#define HOLD_NODE_LEN 1024u /* divides 2^32: a node never crosses the wrap */

struct hold_node {
	uint32_t next;
	uint32_t seq; /* of data[0] */
	uint64_t have[HOLD_NODE_LEN / 64];
	uint8_t data[HOLD_NODE_LEN];
};

struct hold {
	struct hold_node *nodes;
	uint32_t nodes_max;
	uint32_t fresh;
	uint32_t free;
	uint32_t used;
};

ST_MUST_CHECK int hold_init(struct hold *hold, uint32_t nodes_max);
void hold_fini(struct hold *hold);

/* What hold_put did. */
struct hold_result {
	uint32_t taken;    /* bytes from the front of the segment that are held now */
	uint32_t repeated; /* of these, held before */
	bool differs;      /* from what was held before */
	bool pool_empty;   /* why not all was taken: the pool, else the side's own limit */
};

/* Holds the bytes; seq is not before side->next. */
struct hold_result hold_put(struct hold *hold, struct side *side, uint32_t nodes_max, uint32_t seq,
    const uint8_t *data, uint32_t len);

/*
 * The bytes that can be delivered now, at side->next: their number, 0 when there is a hole (or
 * nothing is held any more).  Valid until the next call.
 */
uint32_t hold_ready(struct hold *hold, struct side *side, const uint8_t **ret_data);

/* Bytes from side->next to the first held one; called when hold_ready gave 0 and something is held. */
uint32_t hold_hole(const struct hold *hold, const struct side *side);

static inline bool hold_is_empty(const struct side *side)
{
	return side->held_nodes == 0;
}
