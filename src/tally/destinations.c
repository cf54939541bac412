/* Observed addresses; the contract is in destinations.h. */
#include "tally/destinations.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INITIAL_SLOTS 1024u
#define V4_PLEN_MIN 96

static uint32_t hash_v4(uint32_t v4)
{
	return (uint32_t)(((uint64_t)v4 * 0x9e3779b97f4a7c15ull) >> 32);
}

static uint32_t hash_ip(struct ip ip)
{
	return (uint32_t)hash_pair(ip.hi, ip.lo);
}

static void insert_slot(struct destinations *d, uint32_t position)
{
	struct ip ip = d->listed[position];
	uint32_t at;

	if (ip_is_v4(ip)) {
		at = hash_v4(ip_v4(ip)) & d->slot_mask;
		while (d->slots4[at])
			at = (at + 1) & d->slot_mask;
		d->slots4[at] = (uint64_t)ip_v4(ip) << 32 | (position + 1);
	} else {
		at = hash_ip(ip) & d->slot_mask;
		while (d->slots6[at])
			at = (at + 1) & d->slot_mask;
		d->slots6[at] = position + 1;
	}
}

static int grow(struct destinations *d)
{
	uint32_t slot_count = d->slots4 ? 2 * (d->slot_mask + 1) : INITIAL_SLOTS;
	uint32_t capacity = slot_count / 2;
	struct ip *listed = realloc(d->listed, capacity * sizeof(*listed));
	uint64_t *slots4;
	uint32_t *slots6;

	if (!listed)
		return -ENOMEM;
	d->listed = listed;
	slots4 = calloc(slot_count, sizeof(*slots4));
	slots6 = calloc(slot_count, sizeof(*slots6));
	if (!slots4 || !slots6) {
		free(slots4);
		free(slots6);
		return -ENOMEM;
	}
	free(d->slots4);
	free(d->slots6);
	d->slots4 = slots4;
	d->slots6 = slots6;
	d->slot_mask = slot_count - 1;
	d->capacity = capacity;
	for (uint32_t i = 0; i < d->listed_count; i++)
		insert_slot(d, i);
	return ST_OK;
}

/* ::/0 holds IPv4 addresses, too, but is none of their networks. */
static bool has_offsets(struct ip_net net)
{
	return ip_is_v4(net.base) && net.plen >= V4_PLEN_MIN;
}

/* Gives the IPv4 networks their offsets when they are large together, but not too large. */
static int assign_offsets(struct destinations *d)
{
	uint64_t total = 0;

	for (size_t i = 0; i < d->net_count; i++) {
		if (!has_offsets(d->nets[i]))
			continue;
		d->offsets[i] = (uint32_t)total;
		total += ip_net_size(d->nets[i]);
		if (total > DESTINATIONS_MAX)
			return ST_OK; /* too large for bits: listed as they are seen */
	}
	if (total <= DESTINATIONS_LISTED_MAX)
		return ST_OK;
	d->seen = calloc((size_t)(total + 63) / 64, sizeof(*d->seen));
	if (!d->seen)
		return -ENOMEM;
	d->offset_count = (uint32_t)total;
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
	if (assign_offsets(d) || grow(d))
		return -ENOMEM;
	if (net_count == 1 && ip_is_v4(nets[0].base) && nets[0].plen >= V4_PLEN_MIN) {
		d->is_single4 = true;
		d->single4_base = ip_v4(nets[0].base);
		d->single4_mask = (uint32_t)(UINT64_MAX << (128 - nets[0].plen));
	}
	for (size_t i = 0; d->offset_count == 0 && i < known_count; i++)
		(void)destinations_index(d, known[i]); /* a full table is counted there */
	d->known_count = d->listed_count;
	d->known_bits = calloc((size_t)d->known_count / 64 + 1, sizeof(*d->known_bits));
	return d->known_bits ? ST_OK : -ENOMEM;
}

int destinations_exclude(struct destinations *d, const struct ip_net *nets, size_t count)
{
	if (count > DESTINATIONS_NETS_MAX)
		return ST_LIMIT;
	if (count)
		memcpy(d->excluded, nets, count * sizeof(*nets));
	d->excluded_count = count;
	if (count)
		d->is_single4 = false;
	return ST_OK;
}

void destinations_fini(struct destinations *d)
{
	free(d->listed);
	free(d->slots4);
	free(d->slots6);
	free(d->seen);
	free(d->known_bits);
	memset(d, 0, sizeof(*d));
}

bool destinations_in_nets(const struct destinations *d, struct ip ip)
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
	if (d->offset_count == 0 && ip_is_v4(ip))
		__builtin_prefetch(&d->slots4[hash_v4(ip_v4(ip)) & d->slot_mask]);
}

static uint32_t append(struct destinations *d, struct ip ip)
{
	if (d->listed_count >= DESTINATIONS_MAX
	    || (d->listed_count == d->capacity && grow(d))) {
		d->unindexed++;
		return DESTINATIONS_NONE;
	}
	d->listed[d->listed_count] = ip;
	insert_slot(d, d->listed_count);
	return d->offset_count + d->listed_count++;
}

/* An address that is in the list: notes that it came, and gives its index. */
static uint32_t found(struct destinations *d, uint32_t position)
{
	if (position < d->known_count) {
		uint64_t bit = 1ull << position % 64;

		d->known_seen += !(d->known_bits[position / 64] & bit);
		d->known_bits[position / 64] |= bit;
	}
	return d->offset_count + position;
}

/* An IPv4 address's place in the networks, if indices are those. */
static bool find_offset(const struct destinations *d, struct ip ip, uint32_t *ret_offset)
{
	for (size_t i = 0; d->offset_count && i < d->net_count; i++) {
		if (!has_offsets(d->nets[i]) || !ip_net_contains(d->nets[i], ip))
			continue;
		*ret_offset = d->offsets[i] + (uint32_t)(ip.lo - d->nets[i].base.lo);
		return true;
	}
	return false;
}

bool destinations_fixed(const struct destinations *d)
{
	bool fixed = d->offset_count > 0;

	for (size_t i = 0; fixed && i < d->net_count; i++)
		fixed = has_offsets(d->nets[i]);
	return fixed;
}

uint32_t destinations_index_quiet(struct destinations *d, struct ip ip)
{
	uint32_t offset;

	return ip_is_v4(ip) && find_offset(d, ip, &offset) ? offset : destinations_find(d, ip);
}

uint32_t destinations_find(struct destinations *d, struct ip ip)
{
	uint32_t offset;
	uint32_t at;

	if (!ip_is_v4(ip)) {
		at = hash_ip(ip) & d->slot_mask;
		for (; d->slots6[at]; at = (at + 1) & d->slot_mask)
			if (ip_equal(d->listed[d->slots6[at] - 1], ip))
				return found(d, d->slots6[at] - 1);
		return append(d, ip);
	}
	if (find_offset(d, ip, &offset))
		return destinations_see(d, offset);
	at = hash_v4(ip_v4(ip)) & d->slot_mask;
	for (; d->slots4[at]; at = (at + 1) & d->slot_mask)
		if (d->slots4[at] >> 32 == ip_v4(ip))
			return found(d, (uint32_t)d->slots4[at] - 1);
	return append(d, ip);
}

uint32_t destinations_count(const struct destinations *d)
{
	return d->seen_count + d->known_seen + d->listed_count - d->known_count;
}

uint32_t destinations_index_end(const struct destinations *d)
{
	return d->offset_count + d->listed_count;
}

/* A large IPv6 network counts by the addresses seen, not by its prefix. */
static bool counts_by_prefix(struct ip_net net)
{
	return ip_is_v4(net.base) || ip_net_size(net) <= DESTINATIONS_MAX;
}

/* Does one of the first `count` networks hold all of this one? */
static bool is_inside(struct ip_net net, const struct ip_net *nets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (nets[i].plen <= net.plen && ip_net_contains(nets[i], net.base))
			return true;
	return false;
}

/* Does a network other than nets[i] hold all of it?  Of equal ones the first stays. */
static bool is_repeated(const struct ip_net *nets, size_t count, size_t i)
{
	if (is_inside(nets[i], nets, i))
		return true;
	for (size_t k = i + 1; k < count; k++)
		if (nets[k].plen < nets[i].plen && ip_net_contains(nets[k], nets[i].base))
			return true;
	return false;
}

/* Two prefixes overlap only when one holds the other, so outermost ones can be added up. */
uint64_t destinations_nets_size(const struct ip_net *nets, size_t net_count,
    const struct ip_net *excluded, size_t excluded_count)
{
	uint64_t size = 0;

	for (size_t i = 0; i < net_count; i++) {
		if (!counts_by_prefix(nets[i]) || is_repeated(nets, net_count, i)
		    || is_inside(nets[i], excluded, excluded_count))
			continue;
		size += ip_net_size(nets[i]);
		for (size_t k = 0; k < excluded_count; k++)
			if (is_inside(excluded[k], &nets[i], 1)
			    && !is_repeated(excluded, excluded_count, k))
				size -= ip_net_size(excluded[k]);
	}
	return size;
}

uint64_t destinations_size(const struct destinations *d)
{
	uint64_t size = destinations_nets_size(d->nets, d->net_count, d->excluded,
	    d->excluded_count);

	if (d->net_count == 0)
		return d->listed_count;
	for (uint32_t i = 0; i < d->listed_count; i++) {
		for (size_t k = 0; k < d->net_count; k++) {
			if (!counts_by_prefix(d->nets[k])
			    && ip_net_contains(d->nets[k], d->listed[i])) {
				size++;
				break;
			}
		}
	}
	return size;
}
