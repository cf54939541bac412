/* SYN-ACK carpets: sources sorted by key and network; the contract is in carpet.h. */
#include "detect/carpet.h"

#include "base/civil.h"

#include <errno.h>
#include <stdlib.h>

#define PROTO_TCP 6
#define SYN_ACK 0x12
#define FLAGS 0x3f
#define QUARTER_US (15 * CIVIL_US_PER_MINUTE)
#define FIRST 1024u
#define LARGE 4096u /* at more addresses small victims are many: so are the networks needed */

struct member {
	uint64_t key;
	uint64_t network; /* /24, or /48 with its highest bit set */
};

struct carpet {
	uint64_t key;
	uint32_t networks;
};

struct carpets {
	struct detect_settings settings;
	struct member *members;
	size_t count;
	size_t capacity;
	struct carpet *list; /* by key */
	size_t list_count;
};

uint64_t carpet_key_at(int64_t time_us, uint16_t port)
{
	return time_us > 0 ? (uint64_t)(time_us / QUARTER_US) << 16 | port : 0;
}

uint64_t carpet_key(const struct record_flow *flow)
{
	bool syn_ack = flow->class == RECORD_CLASS_BACKSCATTER && flow->proto == PROTO_TCP
	    && (flow->tcp_flags & FLAGS) == SYN_ACK;

	return syn_ack ? carpet_key_at(flow->time, flow->port) : 0;
}

int carpets_new(const struct detect_settings *settings, struct carpets **ret_carpets)
{
	struct carpets *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->settings = settings ? *settings : detect_settings_default;
	*ret_carpets = c;
	return ST_OK;
}

void carpets_free(struct carpets *c)
{
	if (!c)
		return;
	free(c->members);
	free(c->list);
	free(c);
}

static uint64_t network_of(struct ip ip)
{
	return ip_is_v4(ip) ? ip_v4(ip) >> 8 : ip.hi >> 16 | 1ull << 63;
}

int carpets_add(struct carpets *c, struct ip source, uint64_t key, uint64_t replies)
{
	if (!key || replies > c->settings.carpet_packets || c->count == CARPET_SOURCES_MAX)
		return ST_OK;
	if (c->count == c->capacity) {
		size_t capacity = c->capacity ? c->capacity * 2 : FIRST;
		struct member *members = realloc(c->members, capacity * sizeof(*members));

		if (!members)
			return -ENOMEM;
		c->members = members;
		c->capacity = capacity;
	}
	c->members[c->count++] = (struct member){key, network_of(source)};
	return ST_OK;
}

static int compare_members(const void *va, const void *vb)
{
	const struct member *a = va;
	const struct member *b = vb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->network < b->network ? -1 : a->network > b->network;
}

/* Members become networks, and those of keys with enough of them the list; in their own memory. */
void carpets_finish(struct carpets *c, uint64_t addresses)
{
	uint64_t least = (uint64_t)c->settings.carpet_networks
	    * (addresses > LARGE ? addresses / LARGE : 1);
	size_t begin = 0;

	if (!c->count)
		return;
	qsort(c->members, c->count, sizeof(*c->members), compare_members);
	c->list = calloc(c->count / (least < 1 ? 1 : least) + 1, sizeof(*c->list));
	for (size_t i = 0; c->list && i < c->count; i++) {
		uint32_t networks = 0;

		if (i + 1 < c->count && c->members[i + 1].key == c->members[i].key)
			continue;
		for (size_t k = begin; k <= i; k++)
			networks += k == begin || c->members[k].network != c->members[k - 1].network;
		if (networks >= least)
			c->list[c->list_count++] = (struct carpet){c->members[i].key, networks};
		begin = i + 1;
	}
	free(c->members);
	c->members = NULL;
	c->count = 0;
	c->capacity = 0;
}

uint32_t carpets_networks(const struct carpets *c, uint64_t key, uint64_t replies)
{
	size_t low = 0;
	size_t high = c->list_count;

	if (!key || replies > c->settings.carpet_packets)
		return 0;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (c->list[middle].key == key)
			return c->list[middle].networks;
		if (c->list[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}
