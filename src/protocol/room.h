/*
 * Rooms: memory for protocol state, in a few sizes, from slabs within one bound.
 *
 * A session without payload has none; one that is being identified has a small one; a module gets
 * what it declares.  Taking and giving is a list operation, nothing is returned to the system
 * before the end.
 */
#pragma once

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define ROOM_MAX 4096

struct room_pool;

/* limit in bytes for all rooms together.  -ENOMEM. */
ST_MUST_CHECK int room_pool_new(uint64_t limit, struct room_pool **ret_pool);
void room_pool_free(struct room_pool *pool);

/* Memory of at least size bytes (≤ ROOM_MAX), not cleared; NULL at the limit. */
void *room_take(struct room_pool *pool, size_t size);

/* size as it was asked for; NULL is allowed. */
void room_give(struct room_pool *pool, void *room, size_t size);

/* Bytes of slabs in use. */
uint64_t room_pool_bytes(const struct room_pool *pool);
