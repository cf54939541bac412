/* The timing wheel; the contract is in deadline.h. */
#include "respond/deadline.h"

void deadline_init(struct deadlines *w, struct deadline_link *links, int64_t now_us)
{
	for (unsigned i = 0; i < DEADLINE_BUCKETS; i++)
		w->heads[i] = DEADLINE_NONE;
	w->links = links;
	w->now_tick = now_us / DEADLINE_TICK_US;
}

void deadline_remove(struct deadlines *w, uint32_t slot)
{
	struct deadline_link *link = &w->links[slot];

	if (!link->linked)
		return;
	if (link->prev == DEADLINE_NONE)
		w->heads[link->bucket] = link->next;
	else
		w->links[link->prev].next = link->next;
	if (link->next != DEADLINE_NONE)
		w->links[link->next].prev = link->prev;
	link->linked = 0;
}

void deadline_set(struct deadlines *w, uint32_t slot, int64_t deadline_us)
{
	struct deadline_link *link = &w->links[slot];
	int64_t tick = deadline_us / DEADLINE_TICK_US + 1;

	deadline_remove(w, slot);
	if (tick <= w->now_tick)
		tick = w->now_tick + 1;
	if (tick >= w->now_tick + DEADLINE_BUCKETS)
		tick = w->now_tick + DEADLINE_BUCKETS - 1;
	link->bucket = (uint16_t)(tick % DEADLINE_BUCKETS);
	link->prev = DEADLINE_NONE;
	link->next = w->heads[link->bucket];
	link->linked = 1;
	if (link->next != DEADLINE_NONE)
		w->links[link->next].prev = slot;
	w->heads[link->bucket] = slot;
}

void deadline_turn(struct deadlines *w, int64_t now_us, void (*due)(void *arg, uint32_t slot), void *arg)
{
	int64_t tick = now_us / DEADLINE_TICK_US;

	/* After a long pause every bucket is looked at once. */
	if (tick - w->now_tick > DEADLINE_BUCKETS)
		w->now_tick = tick - DEADLINE_BUCKETS;
	while (w->now_tick < tick) {
		uint32_t *head = &w->heads[++w->now_tick % DEADLINE_BUCKETS];

		while (*head != DEADLINE_NONE) {
			uint32_t slot = *head;

			deadline_remove(w, slot);
			due(arg, slot);
		}
	}
}
