/*
 * A timing wheel: deadlines of many slots, coarse and cheap.
 *
 * A slot is in one bucket; when the bucket comes round the owner looks whether the deadline has
 * really come, so that pushing a deadline back costs nothing.
 */
#pragma once

#include "base/status.h"

#include <stdint.h>

#define WHEEL_BUCKETS 1024u
#define WHEEL_TICK_US 50000ll /* 50 ms; the wheel turns in 51 s */
#define WHEEL_NONE UINT32_MAX

struct wheel_link {
	uint32_t next;
	uint32_t prev; /* WHEEL_NONE: the first; its bucket is remembered */
	uint16_t bucket;
	uint16_t linked;
};

struct wheel {
	uint32_t heads[WHEEL_BUCKETS];
	struct wheel_link *links; /* one per slot, the owner's array */
	int64_t now_tick;
};

void wheel_init(struct wheel *wheel, struct wheel_link *links, int64_t now_us);

/* Puts a slot (linked or not) where it will be looked at no later than at deadline_us, or at the
 * next turn when that is further away. */
void wheel_set(struct wheel *wheel, uint32_t slot, int64_t deadline_us);
void wheel_remove(struct wheel *wheel, uint32_t slot);

/* Calls each slot whose bucket has come; it is not linked any more then and may be set again. */
void wheel_turn(struct wheel *wheel, int64_t now_us, void (*due)(void *arg, uint32_t slot),
    void *arg);
