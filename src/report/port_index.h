/*
 * A dense number for each protocol and port that comes along; ports of a page come in a row, so a
 * sorted scan finds what it needs in the cache.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct port_index {
	uint32_t **pages; /* index + 1 by key; NULL until the first */
	size_t count;
};

/* Number of the key (proto << 16 | port), given to it when it is new; SIZE_MAX: out of memory. */
size_t port_index_get(struct port_index *index, uint32_t key);
/* SIZE_MAX when it never came along. */
size_t port_index_find(const struct port_index *index, uint32_t key);
/* Calls back with every key and its number, by key; ends at what is not 0, which it returns. */
int port_index_each(const struct port_index *index,
    int (*each)(void *arg, uint32_t key, size_t number), void *arg);
void port_index_fini(struct port_index *index);
