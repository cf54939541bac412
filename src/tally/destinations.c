/* Observed addresses; the contract is in destinations.h. */
#include "tally/destinations.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INITIAL_SLOTS 1024u

static uint64_t hash_ip(struct ip ip)
{
	return hash_pair(ip.hi, ip.lo);
}

static void insert_slot(struct destinations *d, uint32_t index)
{
	uint32_t at = (uint32_t)hash_ip(d->addresses[index]) & d->slot_mask;

	while (d->slots[at])
		at = (at + 1) & d->slot_mask;
	d->slots[at] = index + 1;
}

static int grow(struct destinations *d)
{
	uint32_t slot_count = d->slots ? 2 * (d->slot_mask + 1) : INITIAL_SLOTS;
	uint32_t capacity = slot_count / 2;
	struct ip *addresses = realloc(d->addresses, capacity * sizeof(*addresses));
	uint32_t *slots;

	if (!addresses)
		return -ENOMEM;
	d->addresses = addresses;
	slots = calloc(slot_count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(d->slots);
	d->slots = slots;
	d->slot_mask = slot_count - 1;
	d->capacity = capacity;
	for (uint32_t i = 0; i < d->count; i++)
		insert_slot(d, i);
	return ST_OK;
}

int destinations_init(struct destinations *d, const struct ip_net *nets, size_t net_count,
    const struct ip *known, size_t known_count)
{
	memset(d, 0, sizeof(*d));
	if (net_count > DESTINATIONS_NETS_MAX)
		return ST_LIMIT;
	if (net_count)
		memcpy(d->nets, nets, net_count * sizeof(*nets));
	d->net_count = net_count;
	if (grow(d))
		return -ENOMEM;
	for (size_t i = 0; i < known_count; i++)
		(void)destinations_index(d, known[i]); /* a full table is counted there */
	return ST_OK;
}

void destinations_fini(struct destinations *d)
{
	free(d->addresses);
	free(d->slots);
	memset(d, 0, sizeof(*d));
}

bool destinations_observed(const struct destinations *d, struct ip ip)
{
	for (size_t i = 0; i < d->excluded_count; i++)
		if (ip_net_contains(d->excluded[i], ip))
			return false;
	for (size_t i = 0; i < d->net_count; i++)
		if (ip_net_contains(d->nets[i], ip))
			return true;
	return d->net_count == 0;
}

void destinations_prefetch(const struct destinations *d, struct ip ip)
{
	__builtin_prefetch(&d->slots[(uint32_t)hash_ip(ip) & d->slot_mask]);
}

uint32_t destinations_index(struct destinations *d, struct ip ip)
{
	uint32_t at = (uint32_t)hash_ip(ip) & d->slot_mask;

	while (d->slots[at]) {
		uint32_t index = d->slots[at] - 1;

		if (ip_equal(d->addresses[index], ip))
			return index;
		at = (at + 1) & d->slot_mask;
	}
	if (d->count == DESTINATIONS_MAX || (d->count == d->capacity && grow(d))) {
		d->unindexed++;
		return DESTINATIONS_NONE;
	}
	d->addresses[d->count] = ip;
	insert_slot(d, d->count);
	return d->count++;
}

uint64_t destinations_size(const struct destinations *d)
{
	uint64_t size = 0;

	for (size_t i = 0; i < d->net_count; i++) {
		uint64_t n = ip_net_size(d->nets[i]);

		/* An IPv6 network counts by the addresses seen, not by its prefix (design). */
		if (n > DESTINATIONS_MAX)
			continue;
		size += n;
	}
	if (d->net_count == 0)
		return d->count;
	for (uint32_t i = 0; i < d->count; i++)
		for (size_t k = 0; k < d->net_count; k++)
			if (ip_net_size(d->nets[k]) > DESTINATIONS_MAX
			    && ip_net_contains(d->nets[k], d->addresses[i])) {
				size++;
				break;
			}
	return size;
}
