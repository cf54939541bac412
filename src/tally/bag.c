/* Bags of bytes; the contract is in bag.h. */
#include "tally/bag.h"

#include <string.h>

#define BAG_FIRST 128u

bool bag_add(struct room_pool *pool, struct bag *bag, const void *data, size_t len, size_t max)
{
	if (bag->len + len > max)
		return false;
	if (bag->len + len > bag->cap) {
		size_t cap = bag->cap ? bag->cap : BAG_FIRST;
		uint8_t *bytes;

		while (cap < bag->len + len)
			cap *= 2;
		bytes = room_take(pool, cap);
		if (!bytes)
			return false;
		if (bag->len)
			memcpy(bytes, bag->bytes, bag->len);
		room_give(pool, bag->bytes, bag->cap);
		bag->bytes = bytes;
		bag->cap = (uint16_t)cap;
	}
	if (len)
		memcpy(bag->bytes + bag->len, data, len);
	bag->len = (uint16_t)(bag->len + len);
	return true;
}

void bag_free(struct room_pool *pool, struct bag *bag)
{
	room_give(pool, bag->bytes, bag->cap);
	*bag = (struct bag){NULL, 0, 0};
}
