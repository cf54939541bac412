/* Memory of the loaded rules; the contract is in arena.h. */
#include "detect/signature/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
	struct arena_chunk *next;
	size_t used;
	size_t size;
	alignas(max_align_t) unsigned char data[];
};

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_chunk *c = arena->chunks;
	size_t need = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	void *p;

	if (!c || c->size - c->used < need) {
		size_t room = need > ARENA_CHUNK ? need : ARENA_CHUNK;

		c = malloc(sizeof(*c) + room);
		if (!c)
			return NULL;
		c->next = arena->chunks;
		c->used = 0;
		c->size = room;
		arena->chunks = c;
	}
	p = c->data + c->used;
	c->used += need;
	memset(p, 0, need);
	return p;
}

void *arena_copy(struct arena *arena, const void *data, size_t len)
{
	unsigned char *p = arena_alloc(arena, len + 1);

	if (p && len)
		memcpy(p, data, len);
	return p;
}

void arena_fini(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *next = arena->chunks->next;

		free(arena->chunks);
		arena->chunks = next;
	}
}
