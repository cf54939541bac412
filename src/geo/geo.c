/*
 * Lookups in a compiled table; the contract is in geo.h.
 *
 * Format, version 1.  Words are in the byte order of the machine that compiled it (a mark in the
 * header tells; another machine compiles its own).  Sections follow each other without gaps, in
 * the order of struct geo_layout, their places computed from the counts of the header:
 *
 *   header     magic, version, byte-order mark, length of the file, SHA-256 over the role and
 *              SHA-256 of each input in order, the counts
 *   v4_index   65537 words: the number of the first IPv4 entry at or after H.0.0 for each upper
 *              half H of an address; one word of padding
 *   v4         {first address, value number}, ascending, the first at 0.0.0.0: an entry reaches to
 *              the next one, gaps are entries with value 0 (unknown)
 *   v6         first addresses as two words each, ascending from ::
 *   values     {country, AS number}, each pair once
 *   names      {AS number, offset of its name in text}, ascending
 *   v6_value   value number of each v6 entry
 *   text       NUL-terminated strings; the first one is the description
 *
 * The file is hostile: opening checks that the counts explain its length exactly and that the text
 * ends with a NUL; a lookup checks every number it reads before it uses it.  So opening is quick
 * however large the table is, and wrong order gives wrong answers but never a fault.
 */
#include "geo/format.h"
#include "geo/geo.h"
#include "geo/handle.h"

#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN ((struct geo_place){.country = {'Z', 'Z'}, .asn = 0})

#define TOGETHER 16u /* searches at once; more than the memory loads that a core has under way */

/* 2002:AABB:CCDD::/48 belongs to the holder of the IPv4 address AABB:CCDD (RFC 3056). */
#define IS_6TO4(ip) ((ip).hi >> 48 == 0x2002)

static int check_header(const struct geo_header *h, size_t len)
{
	if (len < GEO_MAGIC_LEN || memcmp(h->magic, GEO_MAGIC, GEO_MAGIC_LEN) != 0)
		return ST_MALFORMED;
	if (len < sizeof(*h))
		return ST_TRUNC;
	if (h->byte_order != GEO_BYTE_ORDER || h->version != GEO_VERSION)
		return ST_UNSUPPORTED;
	if (h->v4_count > GEO_COUNT_MAX || h->v6_count > GEO_COUNT_MAX ||
	    h->value_count > GEO_COUNT_MAX || h->name_count > GEO_COUNT_MAX || h->text_len == 0)
		return ST_MALFORMED;
	if (len < h->file_len)
		return ST_TRUNC;
	if (h->file_len != len || geo_layout_of(h).end != len)
		return ST_MALFORMED;
	return ST_OK;
}

int geo_open(const char *path, struct geo **ret_geo, struct err *err)
{
	const struct geo_header *h;
	struct geo_layout at;
	struct os_map map;
	struct geo *geo;
	int ret = os_map_file(path, &map, err);

	if (ret != ST_OK)
		return ret;
	h = (const struct geo_header *)(const void *)map.data; /* a page begins here */
	ret = check_header(h, map.len);
	if (ret == ST_OK && map.data[map.len - 1] != '\0')
		ret = ST_MALFORMED;
	geo = ret == ST_OK ? calloc(1, sizeof(*geo)) : NULL;
	if (ret == ST_OK && !geo)
		ret = -ENOMEM;
	if (ret != ST_OK) {
		os_map_close(&map);
		return err_set(err, ret, "%s: no usable geo table: %s%s", path, st_text(ret),
		    ret == ST_UNSUPPORTED ? " (compile it again: teiten geo compile)" : "");
	}
	at = geo_layout_of(h);
	geo->map = map;
	geo->header = h;
	geo->v4_index = (const uint32_t *)(const void *)(map.data + at.v4_index);
	geo->v4 = (const struct geo_v4_entry *)(const void *)(map.data + at.v4);
	geo->v6 = (const struct ip *)(const void *)(map.data + at.v6);
	geo->v6_value = (const uint32_t *)(const void *)(map.data + at.v6_value);
	geo->values = (const struct geo_value *)(const void *)(map.data + at.values);
	geo->names = (const struct geo_name *)(const void *)(map.data + at.names);
	geo->text = (const char *)map.data + at.text;
	geo->v4_count = h->v4_count;
	geo->v6_count = h->v6_count;
	geo->value_count = h->value_count;
	geo->name_count = h->name_count;
	geo->text_len = h->text_len;
	*ret_geo = geo;
	return ST_OK;
}

void geo_close(struct geo *geo)
{
	if (!geo)
		return;
	os_map_close(&geo->map);
	free(geo);
}

static struct geo_place place_of(const struct geo *geo, uint32_t value)
{
	const struct geo_value *v;
	struct geo_place place;

	if (value >= geo->value_count)
		return UNKNOWN;
	v = &geo->values[value];
	place.country[0] = v->country[0];
	place.country[1] = v->country[1];
	place.asn = v->asn;
	/* Reports print the country: only what compile can have written gets out. */
	if (place.country[0] < 'A' || place.country[0] > 'Z' || place.country[1] < 'A' ||
	    place.country[1] > 'Z')
		return UNKNOWN;
	return place;
}

/* A search for the last entry that begins at or before an address. */
struct search {
	const struct geo_v4_entry *base; /* NULL: the index is broken */
	uint32_t count;                  /* of entries from base on among which it is */
	uint32_t addr;
};

static struct search begin_search(const struct geo *geo, uint32_t addr)
{
	uint32_t low = geo->v4_index[addr >> 16];
	uint32_t high = geo->v4_index[(addr >> 16) + 1];

	if (high > geo->v4_count || low > high)
		return (struct search){NULL, 0, addr};
	return (struct search){geo->v4 + low, high - low, addr};
}

/* Without branches, since which half holds the address cannot be predicted. */
static void halve(struct search *s)
{
	uint32_t half = s->count / 2;

	s->base = s->base[half].first <= s->addr ? s->base + half : s->base;
	s->count -= half;
}

/* The entry that was found; NULL: none begins so low. */
static const struct geo_v4_entry *end_search(const struct geo *geo, const struct search *s)
{
	if (s->base && s->count > 0 && s->base->first <= s->addr)
		return s->base;
	return s->base && s->base > geo->v4 ? s->base - 1 : NULL;
}

static struct geo_place lookup_v4(const struct geo *geo, uint32_t addr)
{
	struct search search = begin_search(geo, addr);
	const struct geo_v4_entry *entry;

	while (search.count > 1)
		halve(&search);
	entry = end_search(geo, &search);
	return entry ? place_of(geo, entry->value) : UNKNOWN;
}

static struct geo_place lookup_v6(const struct geo *geo, struct ip ip)
{
	uint32_t at = 0;
	uint32_t count = geo->v6_count;

	if (count == 0)
		return UNKNOWN;
	while (count > 1) {
		uint32_t half = count / 2;
		struct ip first = geo->v6[at + half];
		/* first <= ip */
		bool right = first.hi < ip.hi || (first.hi == ip.hi && first.lo <= ip.lo);

		at = right ? at + half : at;
		count -= half;
	}
	if (ip_compare(ip, geo->v6[at]) < 0)
		return UNKNOWN;
	return place_of(geo, geo->v6_value[at]);
}

struct geo_place geo_lookup(const struct geo *geo, struct ip ip)
{
	struct geo_place place;
	struct geo_place inner;

	if (!geo)
		return UNKNOWN;
	if (ip_is_v4(ip))
		return lookup_v4(geo, ip_v4(ip));
	place = lookup_v6(geo, ip);
	if (!IS_6TO4(ip) || (place.country[0] != 'Z' && place.asn))
		return place;
	inner = lookup_v4(geo, (uint32_t)(ip.hi >> 16));
	if (place.country[0] == 'Z' && place.country[1] == 'Z')
		memcpy(place.country, inner.country, sizeof(place.country));
	if (place.asn == 0)
		place.asn = inner.asn;
	return place;
}

/* One step of each search after the other: while one waits for memory the next one begins. */
static void lookup_together(const struct geo *geo, struct search *searches, size_t count,
    struct geo_place *const *places)
{
	const struct geo_v4_entry *entries[TOGETHER];
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < count; i++) {
			if (searches[i].count <= 1)
				continue;
			halve(&searches[i]);
			__builtin_prefetch(&searches[i].base[searches[i].count / 2]);
			more = true;
		}
	}
	for (size_t i = 0; i < count; i++) {
		entries[i] = end_search(geo, &searches[i]);
		if (entries[i] && entries[i]->value < geo->value_count)
			__builtin_prefetch(&geo->values[entries[i]->value]);
	}
	for (size_t i = 0; i < count; i++)
		*places[i] = entries[i] ? place_of(geo, entries[i]->value) : UNKNOWN;
}

void geo_lookup_many(const struct geo *geo, const struct ip *ips, size_t count,
    struct geo_place *ret_places)
{
	struct search searches[TOGETHER];
	struct geo_place *places[TOGETHER];
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (!geo || !ip_is_v4(ips[i])) {
			ret_places[i] = geo_lookup(geo, ips[i]);
			continue;
		}
		searches[n] = begin_search(geo, ip_v4(ips[i]));
		__builtin_prefetch(searches[n].base + searches[n].count / 2);
		places[n++] = &ret_places[i];
		if (n == TOGETHER) {
			lookup_together(geo, searches, n, places);
			n = 0;
		}
	}
	lookup_together(geo, searches, n, places);
}

const char *geo_description(const struct geo *geo)
{
	return geo ? geo->text : "";
}

const char *geo_asn_name(const struct geo *geo, uint32_t asn)
{
	uint32_t low = 0;
	uint32_t high = geo ? geo->name_count : 0;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (geo->names[mid].asn < asn)
			low = mid + 1;
		else
			high = mid;
	}
	if (!geo || low >= geo->name_count || geo->names[low].asn != asn ||
	    geo->names[low].offset >= geo->text_len)
		return "";
	return geo->text + geo->names[low].offset;
}

void geo_get_info(const struct geo *geo, struct geo_info *ret_info)
{
	*ret_info = (struct geo_info){
	    .v4_ranges = geo->v4_count,
	    .v6_ranges = geo->v6_count,
	    .values = geo->value_count,
	    .names = geo->name_count,
	    .bytes = geo->map.len,
	};
	memcpy(ret_info->inputs_hash, geo->header->inputs_hash, sizeof(ret_info->inputs_hash));
}
