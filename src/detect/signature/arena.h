/*
 * Memory that lives as long as the loaded rules: allocated piece by piece, freed at once.
 */
#pragma once

#include <stddef.h>

#define ARENA_CHUNK (256u << 10)

struct arena_chunk;

/* Zero-initialise to start empty. */
struct arena {
	struct arena_chunk *chunks;
};

/* Zeroed, aligned for anything, or NULL when memory is out. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy of len bytes, followed by a NUL that does not count; NULL when memory is out. */
void *arena_copy(struct arena *arena, const void *data, size_t len);
void arena_fini(struct arena *arena);
