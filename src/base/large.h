/*
 * Memory for big tables: zeroed, and in huge pages where the kernel gives them (madvise), because
 * a table that is read at random misses the TLB before it misses the cache.
 *
 * As malloc, it is no I/O; nothing else of the system is touched.
 */
#pragma once

#include <stddef.h>

/* Zeroed memory, or NULL. */
void *large_alloc(size_t size);

/* size as it was asked for; NULL is allowed. */
void large_free(void *memory, size_t size);
