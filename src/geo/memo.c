/* Places known already, one for each value of a small hash; the contract is in memo.h. */
#include "geo/memo.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>

#define ENTRIES (8u * GEO_MEMO_AHEAD)

struct entry {
	struct ip ip;
	struct geo_place place; /* without a country: free */
};

struct geo_memo {
	const struct geo *geo;
	struct entry entries[ENTRIES];
};

int geo_memo_new(const struct geo *geo, struct geo_memo **ret_memo)
{
	struct geo_memo *memo = calloc(1, sizeof(*memo));

	if (!memo)
		return -ENOMEM;
	memo->geo = geo;
	*ret_memo = memo;
	return ST_OK;
}

void geo_memo_free(struct geo_memo *memo)
{
	free(memo);
}

static struct entry *entry_of(struct geo_memo *memo, struct ip ip)
{
	return &memo->entries[hash_pair(ip.hi, ip.lo) % ENTRIES];
}

static bool is_of(const struct entry *e, struct ip ip)
{
	return e->place.country[0] && ip_equal(e->ip, ip);
}

static void look_up(struct geo_memo *memo, const struct ip *ips, size_t count)
{
	struct geo_place places[GEO_MEMO_AHEAD];

	geo_lookup_many(memo->geo, ips, count, places);
	for (size_t i = 0; i < count; i++)
		*entry_of(memo, ips[i]) = (struct entry){ips[i], places[i]};
}

void geo_memo_expect(struct geo_memo *memo, const struct ip *ips, size_t count)
{
	struct ip unknown[GEO_MEMO_AHEAD];
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (is_of(entry_of(memo, ips[i]), ips[i]))
			continue;
		unknown[n++] = ips[i];
		if (n == GEO_MEMO_AHEAD) {
			look_up(memo, unknown, n);
			n = 0;
		}
	}
	if (n > 0)
		look_up(memo, unknown, n);
}

struct geo_place geo_memo_find(struct geo_memo *memo, struct ip ip)
{
	struct entry *e = entry_of(memo, ip);

	if (!is_of(e, ip))
		*e = (struct entry){ip, geo_lookup(memo->geo, ip)};
	return e->place;
}
