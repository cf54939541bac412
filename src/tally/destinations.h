/*
 * The observed addresses of a sensor: which destinations count, and the index each one has.
 *
 * With networks given, an address counts when it is inside one; without, every destination does.
 * Up to DESTINATIONS_LISTED_MAX observed addresses (or without networks) indices are handed out in
 * order of first sight, after those that a store already knew, and never change.  In larger IPv4
 * networks the index is the offset in the network, which needs one bit per address and no list.
 * Observed addresses themselves are kept here and in the catalogue only.
 */
#pragma once

#include "base/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DESTINATIONS_MAX (8u << 20)
#define DESTINATIONS_LISTED_MAX 64
#define DESTINATIONS_NONE UINT32_MAX /* the table is full: counted, but without an index */
#define DESTINATIONS_NETS_MAX 64

struct destinations {
	struct ip_net nets[DESTINATIONS_NETS_MAX];
	size_t net_count;
	struct ip_net excluded[DESTINATIONS_NETS_MAX];
	size_t excluded_count;
	uint32_t offsets[DESTINATIONS_NETS_MAX]; /* index of each IPv4 network's first address */
	uint32_t offset_count; /* indices below are offsets; 0: all are listed */
	uint64_t *seen;        /* one bit per offset */
	uint32_t seen_count;
	struct ip *listed; /* by index - offset_count */
	uint32_t listed_count;
	uint32_t known_count;  /* the first ones of the list: a store knew them before */
	uint32_t known_seen;   /* how many of those came again */
	uint64_t *known_bits;  /* which ones */
	uint32_t capacity;
	uint64_t *slots4; /* open addressing: IPv4 address in the upper half, position + 1 below */
	uint32_t *slots6; /* position + 1 */
	uint32_t slot_mask;
	/* The usual sensor or telescope: one IPv4 network, nothing excluded. */
	bool is_single4;
	uint32_t single4_base;
	uint32_t single4_mask;
	uint64_t unindexed; /* packets to addresses beyond DESTINATIONS_MAX */
};

ST_MUST_CHECK int destinations_init(struct destinations *d, const struct ip_net *nets,
    size_t net_count, const struct ip *known, size_t known_count);
void destinations_fini(struct destinations *d);

/* Does one of the networks contain the address?  For destinations_observed. */
bool destinations_in_nets(const struct destinations *d, struct ip ip);

/* Is it one of the observed networks' addresses?  True for all when no network was given. */
static inline bool destinations_observed(const struct destinations *d, struct ip ip)
{
	if (d->is_single4 && ip_is_v4(ip))
		return (ip_v4(ip) & d->single4_mask) == d->single4_base;
	return destinations_in_nets(d, ip);
}

/* Names the networks that are inside but not observed; once, before any packet. */
ST_MUST_CHECK int destinations_exclude(struct destinations *d, const struct ip_net *nets,
    size_t count);

/* Asks the cache for what destinations_index will read. */
void destinations_prefetch(const struct destinations *d, struct ip ip);

/* Is every observed address's index its place in the networks?  Then destinations_index_quiet reads
 * only what never changes. */
bool destinations_fixed(const struct destinations *d);

/* The index of an observed address for who does not count packets: its place in the networks is not
 * noted as seen; one that is listed may get its index here. */
uint32_t destinations_index_quiet(struct destinations *d, struct ip ip);

/* The general case of destinations_index. */
uint32_t destinations_find(struct destinations *d, struct ip ip);

/* Notes that an address, by its offset in the networks, was seen; once all were, nothing is noted. */
static inline uint32_t destinations_see(struct destinations *d, uint32_t offset)
{
	if (d->seen_count < d->offset_count) {
		uint64_t bit = 1ull << offset % 64;

		d->seen_count += !(d->seen[offset / 64] & bit);
		d->seen[offset / 64] |= bit;
	}
	return offset;
}

/* The address's index, a new one at first sight; DESTINATIONS_NONE when the table is full. */
static inline uint32_t destinations_index(struct destinations *d, struct ip ip)
{
	uint32_t offset = ip_v4(ip) - d->single4_base;

	if (d->is_single4 && d->offset_count && ip_is_v4(ip) && offset < d->offset_count)
		return destinations_see(d, offset);
	return destinations_find(d, ip);
}

/* The same for an IPv4 address of the only network (is_single4). */
static inline uint32_t destinations_index_single(struct destinations *d, uint32_t ip4)
{
	return d->offset_count ? destinations_see(d, ip4 - d->single4_base)
	                       : destinations_find(d, ip_from_v4(ip4));
}

/* Distinct addresses seen since destinations_init. */
uint32_t destinations_count(const struct destinations *d);

/* All indices are below this. */
uint32_t destinations_index_end(const struct destinations *d);

/*
 * Addresses of the networks less the excluded ones, each once; large IPv6 networks, which count by
 * the addresses seen, not included.
 */
uint64_t destinations_nets_size(const struct ip_net *nets, size_t net_count,
    const struct ip_net *excluded, size_t excluded_count);

/* Size of the observed networks, or the number of addresses known when none was given. */
uint64_t destinations_size(const struct destinations *d);
