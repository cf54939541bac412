/*
 * Addresses and ports of rule headers: variables, lists, negation.  Private to detect/.
 *
 * The same text gives the same set: thousands of rules share a few dozen.
 */
#pragma once

#include "base/ip.h"
#include "detect/signature/arena.h"
#include "detect/signatures.h"

struct address_range {
	struct ip first;
	struct ip last;
};

struct address_set {
	bool any; /* nothing given: all but `without` */
	size_t count;
	size_t without_count;
	const struct address_range *ranges;  /* sorted */
	const struct address_range *without;
};

struct port_set {
	bool any;
	uint32_t count; /* how many ports are in it */
	uint64_t bits[1024];
};

struct address_book;

ST_MUST_CHECK int address_book_new(struct arena *arena, const struct signatures_options *options,
    struct address_book **ret_book, struct err *err);
void address_book_free(struct address_book *book);

/* A set of a header's field.  NULL: `reason` (size bytes) says why. */
const struct address_set *address_book_addresses(struct address_book *book, const char *text,
    size_t len, char *reason, size_t size);
const struct port_set *address_book_ports(struct address_book *book, const char *text, size_t len,
    char *reason, size_t size);

bool address_set_has(const struct address_set *set, struct ip ip);

static inline bool port_set_has(const struct port_set *set, uint16_t port)
{
	return set->any || (set->bits[port >> 6] >> (port & 63) & 1);
}
