/*
 * Private to stream/: which stream has been silent for too long, without looking at all of them.
 *
 * A timing wheel (Varghese and Lauck 1987) by the time of the packets.  A packet only writes its tick
 * into the slot; a slot whose bucket comes up and that was touched since goes on to its new
 * bucket, so that each is looked at about once per idle time.
 *
 * The clock follows the latest packet, but a time far from the others' moves it only when
 * more such follow: a damaged time stamp must not end every stream, and a second file may be older.
 */
#pragma once

#include "stream/table.h"

#define WHEEL_BUCKETS 1024u /* more than twice the longest idle time, in ticks: see wheel_tell */
#define WHEEL_TICKS_IDLE 500u
#define WHEEL_LINGER WHEEL_BUCKETS /* the list of ended slots, in the order of their end */
#define WHEEL_LISTS (WHEEL_BUCKETS + 1)

struct wheel {
	struct table *table;
	int64_t tick_us;
	int64_t now_us;    /* latest time, on a scale that never goes back */
	int64_t offset_us; /* from packets' time to that scale */
	int64_t next_tick_us;
	uint32_t now;      /* tick up to which silent slots have been looked for */
	uint32_t target;   /* tick of the batch that is being handled */
	uint32_t strays;   /* batches in a row with a time far away */
	bool started;
	uint32_t tcp_ticks;
	uint32_t half_closed_ticks;
	uint32_t udp_ticks;
	uint32_t linger_ticks;
	uint32_t heads[WHEEL_LISTS];
	uint32_t tails[WHEEL_LISTS];
	uint64_t filled[WHEEL_BUCKETS / 64]; /* buckets that are not empty */
};

struct wheel_times {
	int64_t tcp_idle_us;
	int64_t half_closed_us;
	int64_t udp_idle_us;
	int64_t linger_us;
};

void wheel_init(struct wheel *wheel, struct table *table, const struct wheel_times *times);

/* Puts a slot where its state says: among the ended ones, or when it would be idle. */
void wheel_add(struct wheel *wheel, uint32_t number);
void wheel_remove(struct wheel *wheel, uint32_t number);

static inline void wheel_touch(const struct wheel *wheel, struct slot *slot)
{
	slot->touched = wheel->target;
}

/* What was touched before this tick and is a UDP exchange has been silent for too long. */
static inline uint32_t wheel_udp_over(const struct wheel *wheel)
{
	return wheel->now - wheel->udp_ticks;
}

/* Tells the time of a batch (of its last packet), before its packets touch slots. */
void wheel_tell(struct wheel *wheel, int64_t time_us);

/* After the batch: the next slot that is due, or SLOT_NONE.  The caller takes it off the wheel. */
uint32_t wheel_due(struct wheel *wheel);

/* Who goes when room is needed: the one ended longest ago, else about the one silent longest. */
uint32_t wheel_oldest(struct wheel *wheel);
