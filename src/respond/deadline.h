/*
 * A timing wheel: deadlines of many slots, coarse and cheap.
 *
 * A slot is in one bucket; when the bucket comes round the owner looks whether the deadline has
 * really come, so that pushing a deadline back costs nothing.
 */
#pragma once

#include "base/status.h"

#include <stdint.h>

#define DEADLINE_BUCKETS 1024u
#define DEADLINE_TICK_US 50000ll /* 50 ms; the wheel turns in 51 s */
#define DEADLINE_NONE UINT32_MAX

struct deadline_link {
	uint32_t next;
	uint32_t prev; /* DEADLINE_NONE: the first; its bucket is remembered */
	uint16_t bucket;
	uint16_t linked;
};

struct deadlines {
	uint32_t heads[DEADLINE_BUCKETS];
	struct deadline_link *links; /* one per slot, the owner's array */
	int64_t now_tick;
};

void deadline_init(struct deadlines *wheel, struct deadline_link *links, int64_t now_us);

/* Puts a slot (linked or not) where it will be looked at no later than at deadline_us, or at the
 * next turn when that is further away. */
void deadline_set(struct deadlines *wheel, uint32_t slot, int64_t deadline_us);
void deadline_remove(struct deadlines *wheel, uint32_t slot);

/* Calls each slot whose bucket has come; it is not linked any more then and may be set again. */
void deadline_turn(struct deadlines *wheel, int64_t now_us, void (*due)(void *arg, uint32_t slot),
    void *arg);
