/* Bytes in pooled memory that grow up to a bound. */
#pragma once

#include "protocol/room.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero is an empty one. */
struct bag {
	uint8_t *bytes;
	uint16_t len;
	uint16_t cap;
};

/* Appends all of the bytes or, beyond max bytes or without memory, none. */
bool bag_add(struct room_pool *pool, struct bag *bag, const void *data, size_t len, size_t max);
void bag_free(struct room_pool *pool, struct bag *bag);
