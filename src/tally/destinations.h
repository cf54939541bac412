/*
 * The observed addresses of a sensor: which destinations count, and the index each one has.
 *
 * With networks given, an address counts when it is inside one; without, every destination does.
 * Indices are handed out in order of first sight, after those a store already knew, and never
 * change.  Observed addresses themselves are kept here and in the catalogue only.
 */
#pragma once

#include "base/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DESTINATIONS_MAX (8u << 20)
#define DESTINATIONS_NONE UINT32_MAX /* the table is full: counted, but without an index */
#define DESTINATIONS_NETS_MAX 64

struct destinations {
	struct ip_net nets[DESTINATIONS_NETS_MAX];
	size_t net_count;
	struct ip_net excluded[DESTINATIONS_NETS_MAX];
	size_t excluded_count;
	struct ip *addresses; /* by index */
	uint32_t count;
	uint32_t capacity;
	uint32_t *slots; /* open addressing: index + 1, 0 free */
	uint32_t slot_mask;
	uint64_t unindexed; /* packets to addresses beyond DESTINATIONS_MAX */
};

ST_MUST_CHECK int destinations_init(struct destinations *d, const struct ip_net *nets,
    size_t net_count, const struct ip *known, size_t known_count);
void destinations_fini(struct destinations *d);

/* Is it one of the observed networks' addresses?  True for all when no network was given. */
bool destinations_observed(const struct destinations *d, struct ip ip);

/* Asks the cache for the slot that destinations_index will read. */
void destinations_prefetch(const struct destinations *d, struct ip ip);

/* The address's index, a new one at first sight; DESTINATIONS_NONE when the table is full. */
uint32_t destinations_index(struct destinations *d, struct ip ip);

/* Size of the observed networks, or the number of addresses seen when none was given. */
uint64_t destinations_size(const struct destinations *d);
