/*
 * Dense numbers for the addresses of sources.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source_entry {
	uint64_t hi;
	uint64_t lo;
	uint64_t mask;      /* the caller's: what it belongs to */
	uint64_t seen;      /* the caller's */
	uint32_t identity;  /* number of what counts as one source: the address, or its /64 of IPv6 */
};

struct source_index {
	struct source_entry *entries; /* [count] */
	size_t count;
	uint32_t *table; /* number + 1 by hash */
	size_t table_size;
	size_t cap;
	uint64_t *sieve; /* a bit by hash: most addresses are told apart by it alone */
};

#define SOURCE_SIEVE_BITS (1u << 20)

/* The address's entry, made when it is new; valid until the next new one.  NULL: out of memory. */
struct source_entry *source_index_get(struct source_index *index, uint64_t hi, uint64_t lo);
/* NULL: it never came along. */
struct source_entry *source_index_find(const struct source_index *index, uint64_t hi, uint64_t lo);
void source_index_fini(struct source_index *index);
