/* Country and autonomous system of each source; the contract is in places.h. */
#include "tally/places.h"

#include "base/hash.h"
#include "base/large.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOKUP_BITS 16 /* of an address: places are looked up in about the order of addresses */
#define ASNS_INITIAL 1024u

static unsigned country_number(const char code[2])
{
	if (code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z')
		return PLACES_COUNTRIES - 1;
	return (unsigned)(code[0] - 'A') * 26 + (unsigned)(code[1] - 'A');
}

static uint32_t lookup_bucket(uint64_t key)
{
	return key & SOURCE_V4 ? (uint32_t)key >> (32 - LOOKUP_BITS) : 0;
}

/* A source on its way to be looked up. */
struct located {
	uint64_t key;
	uint32_t number; /* - 1 */
};

static size_t order_size(const struct sources *sources)
{
	return ((size_t)sources->count + 1) * sizeof(struct located);
}

/* The sources, those of the same range of addresses together; NULL when memory is out. */
static struct located *order_sources(const struct sources *sources)
{
	uint32_t *starts = calloc((1u << LOOKUP_BITS) + 1, sizeof(*starts));
	struct located *order = NULL;

	if (starts)
		order = large_alloc(order_size(sources));
	if (!order)
		goto out;
	for (uint32_t i = 0; i < sources->count; i++)
		starts[lookup_bucket(sources->list[i].key) + 1]++;
	for (uint32_t i = 1; i <= 1u << LOOKUP_BITS; i++)
		starts[i] += starts[i - 1];
	for (uint32_t i = 0; i < sources->count; i++) {
		uint64_t key = sources->list[i].key;

		order[starts[lookup_bucket(key)]++] = (struct located){key, i};
	}
out:
	free(starts);
	return order;
}

/* The autonomous systems met so far, by open addressing. */
struct asn_index {
	uint32_t *words; /* position + 1 */
	uint32_t capacity; /* of the list; there are twice as many words */
};

static uint32_t *find_word(const struct asn_index *index, const uint32_t *asns, uint32_t asn)
{
	uint32_t mask = index->capacity * 2 - 1;
	uint32_t at = (uint32_t)hash_u64(asn) & mask;

	while (index->words[at] && asns[index->words[at] - 1] != asn)
		at = (at + 1) & mask;
	return &index->words[at];
}

static int grow(struct asn_index *index, struct places *p)
{
	uint32_t capacity = index->capacity ? index->capacity * 2 : ASNS_INITIAL;
	uint32_t *words = calloc((size_t)capacity * 2, sizeof(*words));
	uint32_t *asns = realloc(p->asns, capacity * sizeof(*asns));

	if (asns)
		p->asns = asns;
	if (!words || !asns) {
		free(words);
		return -ENOMEM;
	}
	free(index->words);
	*index = (struct asn_index){words, capacity};
	for (uint32_t i = 0; i < p->asn_count; i++)
		*find_word(index, asns, asns[i]) = i + 1;
	return ST_OK;
}

static int asn_position(struct asn_index *index, struct places *p, uint32_t asn, uint32_t *ret)
{
	uint32_t *word;

	if (p->asn_count == index->capacity && grow(index, p))
		return -ENOMEM;
	word = find_word(index, p->asns, asn);
	if (!*word) {
		p->asns[p->asn_count++] = asn;
		*word = p->asn_count;
	}
	*ret = *word - 1;
	return ST_OK;
}

/* The geo table is larger than the cache, but neighbours are neighbours there too. */
static int look_up(const struct sources *sources, const struct v6_numbers *v6,
    const struct geo *geo, const struct located *order, struct places *p)
{
	struct asn_index index = {0};
	uint32_t position = 0;
	int rc = ST_OK;

	for (uint32_t i = 0; i < sources->count && !rc; i++) {
		uint64_t key = order[i].key;
		struct geo_place place = geo_lookup(geo,
		    key & SOURCE_V4 ? ip_from_v4((uint32_t)key) : v6->list[key - 1]);

		p->countries[order[i].number] = (uint16_t)country_number(place.country);
		if (p->asn_count == 0 || p->asns[position] != place.asn)
			rc = asn_position(&index, p, place.asn, &position);
		p->asn_of[order[i].number] = position;
	}
	free(index.words);
	return rc;
}

int places_find(const struct sources *sources, const struct v6_numbers *v6,
    const struct geo *geo, struct places *ret_places)
{
	size_t count = sources->count ? sources->count : 1;
	struct places places = {
		.countries = calloc(count, sizeof(*places.countries)),
		.asn_of = calloc(count, sizeof(*places.asn_of)),
	};
	struct located *order = order_sources(sources);
	int rc = -ENOMEM;

	if (places.countries && places.asn_of && order)
		rc = look_up(sources, v6, geo, order, &places);
	large_free(order, order_size(sources));
	if (rc)
		places_fini(&places);
	else
		*ret_places = places;
	return rc;
}

void places_fini(struct places *p)
{
	free(p->countries);
	free(p->asn_of);
	free(p->asns);
	memset(p, 0, sizeof(*p));
}
