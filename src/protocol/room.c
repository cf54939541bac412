/* Rooms for protocol state; the contract is in room.h. */
#include "protocol/room.h"

#include <errno.h>
#include <stdlib.h>

#define SMALLEST 128u
#define CLASSES 6 /* 128, 256, 512, 1024, 2048, 4096 */
#define SLAB (64u << 10)
_Static_assert(SMALLEST << (CLASSES - 1) == ROOM_MAX, "the largest room");

struct slab {
	struct slab *next;
	_Alignas(64) uint8_t bytes[SLAB];
};

struct free_room {
	struct free_room *next;
};

struct room_pool {
	uint64_t limit;
	uint64_t used;
	struct slab *slabs;
	struct free_room *free[CLASSES];
};

int room_pool_new(uint64_t limit, struct room_pool **ret_pool)
{
	struct room_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	pool->limit = limit;
	*ret_pool = pool;
	return ST_OK;
}

void room_pool_free(struct room_pool *pool)
{
	if (!pool)
		return;
	while (pool->slabs) {
		struct slab *next = pool->slabs->next;

		free(pool->slabs);
		pool->slabs = next;
	}
	free(pool);
}

static unsigned class_of(size_t size)
{
	unsigned class = 0;

	while (class < CLASSES && (size_t)SMALLEST << class < size)
		class++;
	return class;
}

/* Cuts a new slab into rooms of one class. */
static void grow(struct room_pool *pool, unsigned class)
{
	struct slab *slab;

	if (pool->used + sizeof(*slab) > pool->limit)
		return;
	slab = aligned_alloc(64, sizeof(*slab));
	if (!slab)
		return;
	pool->used += sizeof(*slab);
	slab->next = pool->slabs;
	pool->slabs = slab;
	for (size_t at = 0; at + ((size_t)SMALLEST << class) <= SLAB;
	     at += (size_t)SMALLEST << class) {
		struct free_room *room = (struct free_room *)(void *)(slab->bytes + at);

		room->next = pool->free[class];
		pool->free[class] = room;
	}
}

void *room_take(struct room_pool *pool, size_t size)
{
	unsigned class = class_of(size);
	struct free_room *room;

	if (class == CLASSES)
		return NULL;
	if (!pool->free[class])
		grow(pool, class);
	room = pool->free[class];
	if (room) {
		pool->free[class] = room->next;
		__builtin_prefetch(room->next, 1); /* the next to be taken */
	}
	return room;
}

void room_give(struct room_pool *pool, void *memory, size_t size)
{
	unsigned class = class_of(size);
	struct free_room *room = memory;

	if (!room || class == CLASSES)
		return;
	room->next = pool->free[class];
	pool->free[class] = room;
}

uint64_t room_pool_bytes(const struct room_pool *pool)
{
	return pool->used;
}
