/* The timing wheel; the contract is in wheel.h. */
#include "respond/wheel.h"

void wheel_init(struct wheel *w, struct wheel_link *links, int64_t now_us)
{
	for (unsigned i = 0; i < WHEEL_BUCKETS; i++)
		w->heads[i] = WHEEL_NONE;
	w->links = links;
	w->now_tick = now_us / WHEEL_TICK_US;
}

void wheel_remove(struct wheel *w, uint32_t slot)
{
	struct wheel_link *link = &w->links[slot];

	if (!link->linked)
		return;
	if (link->prev == WHEEL_NONE)
		w->heads[link->bucket] = link->next;
	else
		w->links[link->prev].next = link->next;
	if (link->next != WHEEL_NONE)
		w->links[link->next].prev = link->prev;
	link->linked = 0;
}

void wheel_set(struct wheel *w, uint32_t slot, int64_t deadline_us)
{
	struct wheel_link *link = &w->links[slot];
	int64_t tick = deadline_us / WHEEL_TICK_US + 1;

	wheel_remove(w, slot);
	if (tick <= w->now_tick)
		tick = w->now_tick + 1;
	if (tick >= w->now_tick + WHEEL_BUCKETS)
		tick = w->now_tick + WHEEL_BUCKETS - 1;
	link->bucket = (uint16_t)(tick % WHEEL_BUCKETS);
	link->prev = WHEEL_NONE;
	link->next = w->heads[link->bucket];
	link->linked = 1;
	if (link->next != WHEEL_NONE)
		w->links[link->next].prev = slot;
	w->heads[link->bucket] = slot;
}

void wheel_turn(struct wheel *w, int64_t now_us, void (*due)(void *arg, uint32_t slot), void *arg)
{
	int64_t tick = now_us / WHEEL_TICK_US;

	/* After a long pause every bucket is looked at once. */
	if (tick - w->now_tick > WHEEL_BUCKETS)
		w->now_tick = tick - WHEEL_BUCKETS;
	while (w->now_tick < tick) {
		uint32_t *head = &w->heads[++w->now_tick % WHEEL_BUCKETS];

		while (*head != WHEEL_NONE) {
			uint32_t slot = *head;

			wheel_remove(w, slot);
			due(arg, slot);
		}
	}
}
