/* Silent streams; the contract is in wheel.h. */
#include "stream/wheel.h"

#include <string.h>

#define JUMP_MAX_US 86400000000ll /* a capture may be silent for a day; farther needs a second witness */
#define STRAYS_MAX 16u
#define SILENCE_TICKS (WHEEL_TICKS_IDLE + 2) /* after which every slot is due; a longer silence is no more */
#define LOOKS_MAX 16 /* at slots that turn out to be busy, for one that goes */

static uint32_t ticks(const struct wheel *w, int64_t us)
{
	int64_t n = us / w->tick_us + 1;

	return n > WHEEL_TICKS_IDLE ? WHEEL_TICKS_IDLE : (uint32_t)n;
}

void wheel_init(struct wheel *w, struct table *table, const struct wheel_times *times)
{
	int64_t longest = times->tcp_idle_us > times->udp_idle_us ? times->tcp_idle_us
	                                                          : times->udp_idle_us;

	*w = (struct wheel){.table = table, .tick_us = longest / (WHEEL_TICKS_IDLE - 1) + 1};
	w->tcp_ticks = ticks(w, times->tcp_idle_us);
	w->half_closed_ticks = ticks(w, times->half_closed_us);
	w->udp_ticks = ticks(w, times->udp_idle_us);
	w->linger_ticks = ticks(w, times->linger_us);
	memset(w->heads, 0xff, sizeof(w->heads));
	memset(w->tails, 0xff, sizeof(w->tails));
}

/* The first tick at which the slot has been silent for its whole idle time. */
static uint32_t due_tick(const struct wheel *w, const struct slot *slot)
{
	uint32_t idle = w->tcp_ticks;

	if (slot->state == SLOT_ENDED)
		idle = w->linger_ticks;
	else if (slot->stream.proto == DECODE_PROTO_UDP)
		idle = w->udp_ticks;
	else if (slot->flags & SLOT_HALF_CLOSED)
		idle = w->half_closed_ticks;
	return slot->touched + idle + 1;
}

static uint16_t list_of(const struct wheel *w, const struct slot *slot)
{
	return (uint16_t)(slot->state == SLOT_ENDED ? WHEEL_LINGER : due_tick(w, slot) % WHEEL_BUCKETS);
}

void wheel_add(struct wheel *w, uint32_t number)
{
	struct slot *slots = w->table->slots;
	struct slot *slot = &slots[number];

	slot->list = list_of(w, slot);
	slot->next = SLOT_NONE;
	slot->prev = w->tails[slot->list];
	if (slot->prev == SLOT_NONE)
		w->heads[slot->list] = number;
	else
		slots[slot->prev].next = number;
	w->tails[slot->list] = number;
	if (slot->list < WHEEL_BUCKETS)
		w->filled[slot->list / 64] |= 1ull << slot->list % 64;
}

void wheel_remove(struct wheel *w, uint32_t number)
{
	struct slot *slots = w->table->slots;
	struct slot *slot = &slots[number];

	if (slot->prev == SLOT_NONE)
		w->heads[slot->list] = slot->next;
	else
		slots[slot->prev].next = slot->next;
	if (slot->next == SLOT_NONE)
		w->tails[slot->list] = slot->prev;
	else
		slots[slot->next].prev = slot->prev;
	if (slot->list < WHEEL_BUCKETS && w->heads[slot->list] == SLOT_NONE)
		w->filled[slot->list / 64] &= ~(1ull << slot->list % 64);
}

void wheel_tell(struct wheel *w, int64_t time_us)
{
	int64_t passed;
	int64_t ahead;

	if (!w->started) {
		w->started = true;
		w->now_us = time_us;
		w->next_tick_us = time_us + w->tick_us;
	}
	ahead = time_us + w->offset_us - w->now_us;
	if (ahead > JUMP_MAX_US || ahead < -JUMP_MAX_US) {
		if (++w->strays < STRAYS_MAX)
			return;
		/* That ends whatever was silent since; a new scale does the rest. */
		passed = ahead > 0 ? SILENCE_TICKS * w->tick_us : 0;
		w->offset_us -= ahead - passed;
		ahead = passed;
	}
	w->strays = 0;
	if (ahead > 0)
		w->now_us += ahead;
	if (w->now_us < w->next_tick_us)
		return;
	passed = (w->now_us - w->next_tick_us) / w->tick_us + 1;
	w->next_tick_us += passed * w->tick_us;
	w->target += passed < SILENCE_TICKS ? (uint32_t)passed : SILENCE_TICKS;
}

/* The first bucket that is not empty, from the one that comes up next; SLOT_NONE when all are. */
static uint32_t next_filled(const struct wheel *w, uint32_t from)
{
	for (uint32_t n = 0; n < WHEEL_BUCKETS;) {
		uint32_t bucket = (from + n) % WHEEL_BUCKETS;
		uint64_t word = w->filled[bucket / 64] >> bucket % 64;

		if (word)
			return (bucket + (uint32_t)__builtin_ctzll(word)) % WHEEL_BUCKETS;
		n += 64 - bucket % 64;
	}
	return SLOT_NONE;
}

uint32_t wheel_due(struct wheel *w)
{
	for (;;) {
		uint32_t number = w->heads[WHEEL_LINGER];

		if (number != SLOT_NONE
		    && seq_diff(w->now, due_tick(w, &w->table->slots[number])) >= 0)
			return number;
		while ((number = w->heads[w->now % WHEEL_BUCKETS]) != SLOT_NONE) {
			const struct slot *slot = &w->table->slots[number];

			if (seq_diff(w->now, due_tick(w, slot)) >= 0)
				return number;
			/* Touched since.  Its new bucket is another one: from now to the target and
			 * from there to due is less than once around. */
			wheel_remove(w, number);
			wheel_add(w, number);
		}
		if (w->now == w->target)
			return SLOT_NONE;
		w->now++;
	}
}

uint32_t wheel_oldest(struct wheel *w)
{
	uint32_t number = w->heads[WHEEL_LINGER];

	for (int looks = 0; number == SLOT_NONE; looks++) {
		uint32_t bucket = next_filled(w, w->now + 1);
		const struct slot *slot;

		if (bucket == SLOT_NONE)
			return SLOT_NONE;
		number = w->heads[bucket];
		slot = &w->table->slots[number];
		if (looks < LOOKS_MAX && list_of(w, slot) != bucket) {
			wheel_remove(w, number);
			wheel_add(w, number);
			number = SLOT_NONE;
		}
	}
	return number;
}
