/* Bytes out of order; the contract is in hold.h. */
#include "stream/hold.h"

#include "base/large.h"

#include <errno.h>
#include <string.h>

#define WORD_BITS 64u

int hold_init(struct hold *h, uint32_t nodes_max)
{
	*h = (struct hold){.nodes_max = nodes_max, .free = SLOT_NONE};
	h->nodes = large_alloc((size_t)nodes_max * sizeof(*h->nodes));
	return h->nodes ? ST_OK : -ENOMEM;
}

void hold_fini(struct hold *h)
{
	large_free(h->nodes, (size_t)h->nodes_max * sizeof(*h->nodes));
	*h = (struct hold){.free = SLOT_NONE};
}

static uint32_t take_node(struct hold *h, uint32_t seq)
{
	uint32_t number = h->free;
	struct hold_node *node;

	if (number != SLOT_NONE)
		h->free = h->nodes[number].next;
	else if (h->fresh < h->nodes_max)
		number = h->fresh++;
	else
		return SLOT_NONE;
	h->used++;
	node = &h->nodes[number];
	node->next = SLOT_NONE;
	node->seq = seq;
	memset(node->have, 0, sizeof(node->have));
	return number;
}

static void drop_head(struct hold *h, struct side *side)
{
	uint32_t number = side->held_head;
	struct hold_node *node = &h->nodes[number];

	side->held_head = node->next;
	side->held_nodes--;
	node->next = h->free;
	h->free = number;
	h->used--;
}

/* The node of that stretch, made when it is not there; SLOT_NONE without room. */
static uint32_t find_node(struct hold *h, struct side *side, uint32_t nodes_max, uint32_t seq,
    bool *ret_pool_empty)
{
	uint32_t before = SLOT_NONE;
	uint32_t number = side->held_nodes ? side->held_head : SLOT_NONE;

	/* Mostly segments go on behind what is held. */
	if (side->held_nodes && seq_diff(seq, h->nodes[side->held_tail].seq) >= 0) {
		if (h->nodes[side->held_tail].seq == seq)
			return side->held_tail;
		before = side->held_tail;
		number = SLOT_NONE;
	}
	while (number != SLOT_NONE && seq_diff(h->nodes[number].seq, seq) < 0) {
		before = number;
		number = h->nodes[number].next;
	}
	if (number != SLOT_NONE && h->nodes[number].seq == seq)
		return number;
	if (side->held_nodes >= nodes_max)
		return SLOT_NONE;
	number = take_node(h, seq);
	if (number == SLOT_NONE) {
		*ret_pool_empty = true;
		return SLOT_NONE;
	}
	if (before == SLOT_NONE) {
		h->nodes[number].next = side->held_nodes ? side->held_head : SLOT_NONE;
		side->held_head = number;
	} else {
		h->nodes[number].next = h->nodes[before].next;
		h->nodes[before].next = number;
	}
	if (h->nodes[number].next == SLOT_NONE)
		side->held_tail = number;
	side->held_nodes++;
	return number;
}

/* Bytes of one bitmap word: those that are there stay. */
static void fill_word(struct hold_node *node, uint32_t at, const uint8_t *data, uint32_t len,
    struct hold_result *result)
{
	uint64_t *have = &node->have[at / WORD_BITS];
	uint64_t mask = (len == WORD_BITS ? ~0ull : (1ull << len) - 1) << at % WORD_BITS;
	uint64_t had = *have & mask;

	if (had == 0) {
		memcpy(node->data + at, data, len);
	} else {
		for (uint32_t i = 0; i < len; i++) {
			if (!(had >> (at % WORD_BITS + i) & 1))
				node->data[at + i] = data[i];
			else if (node->data[at + i] != data[i])
				result->differs = true;
		}
		result->repeated += (uint32_t)__builtin_popcountll(had);
	}
	*have |= mask;
}

struct hold_result hold_put(struct hold *h, struct side *side, uint32_t nodes_max, uint32_t seq,
    const uint8_t *data, uint32_t len)
{
	struct hold_result result = {0};

	while (result.taken < len) {
		uint32_t at = seq % HOLD_NODE_LEN;
		uint32_t end = at + (len - result.taken);
		uint32_t number = find_node(h, side, nodes_max, seq - at, &result.pool_empty);

		if (number == SLOT_NONE)
			break;
		if (end > HOLD_NODE_LEN)
			end = HOLD_NODE_LEN;
		while (at < end) {
			uint32_t n = WORD_BITS - at % WORD_BITS;

			if (n > end - at)
				n = end - at;
			fill_word(&h->nodes[number], at, data + result.taken, n, &result);
			at += n;
			seq += n;
			result.taken += n;
		}
	}
	return result;
}

/* Number of bytes that are there, one after the other, from `at`. */
static uint32_t count_run(const struct hold_node *node, uint32_t at)
{
	uint32_t start = at;

	while (at < HOLD_NODE_LEN) {
		uint64_t missing = ~(node->have[at / WORD_BITS] >> at % WORD_BITS);
		uint32_t left = WORD_BITS - at % WORD_BITS;
		uint32_t run = missing ? (uint32_t)__builtin_ctzll(missing) : WORD_BITS;

		at += run < left ? run : left;
		if (run < left)
			break;
	}
	return at - start;
}

/* Where the first byte from `at` on is, HOLD_NODE_LEN when there is none. */
static uint32_t find_first(const struct hold_node *node, uint32_t at)
{
	while (at < HOLD_NODE_LEN) {
		uint64_t word = node->have[at / WORD_BITS] >> at % WORD_BITS;

		if (word)
			return at + (uint32_t)__builtin_ctzll(word);
		at += WORD_BITS - at % WORD_BITS;
	}
	return HOLD_NODE_LEN;
}

uint32_t hold_ready(struct hold *h, struct side *side, const uint8_t **ret_data)
{
	while (side->held_nodes) {
		const struct hold_node *node = &h->nodes[side->held_head];
		int32_t at = seq_diff(side->next, node->seq);
		uint32_t run;

		if (at < 0)
			return 0;
		if (at >= (int32_t)HOLD_NODE_LEN || find_first(node, (uint32_t)at) == HOLD_NODE_LEN) {
			drop_head(h, side);
			continue;
		}
		run = count_run(node, (uint32_t)at);
		*ret_data = node->data + at;
		return run;
	}
	return 0;
}

uint32_t hold_hole(const struct hold *h, const struct side *side)
{
	const struct hold_node *node = &h->nodes[side->held_head];
	int32_t at = seq_diff(side->next, node->seq);

	/* hold_ready has dropped what has nothing ahead of next. */
	return find_first(node, at < 0 ? 0 : (uint32_t)at) - (uint32_t)at;
}
