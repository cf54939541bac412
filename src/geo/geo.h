/*
 * Country and autonomous system of an address, from one compiled, mapped table.
 *
 * geo_compile reads MaxMind DB files (MMDB 2.0) and CSV ranges once and writes a flat file keyed
 * by its inputs' hash; lookups are two binary searches in mapped memory.  Inputs are hostile: a
 * broken MMDB is an error with its file name, never a fault.  Nothing here talks to a network.
 */
#pragma once

#include "base/ip.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* country is "ZZ" and asn 0 where nothing is known. */
struct geo_place {
	char country[2];
	uint32_t asn;
};

struct geo;

/* Maps a compiled table read-only.  ST_NOT_FOUND, ST_MALFORMED, ST_UNSUPPORTED (other version). */
ST_MUST_CHECK int geo_open(const char *path, struct geo **ret_geo, struct err *err);

/* NULL is allowed. */
void geo_close(struct geo *geo);

/* Pure and thread-safe; geo may be NULL (everything is unknown). */
struct geo_place geo_lookup(const struct geo *geo, struct ip ip);

/* The same for many addresses: the searches' waits for memory overlap.  `ips` and `ret_places` have
 * `count` elements. */
void geo_lookup_many(const struct geo *geo, const struct ip *ips, size_t count,
    struct geo_place *ret_places);

/* One line that names sources and dates, for attribution in reports; "" when geo is NULL. */
const char *geo_description(const struct geo *geo);

/* Name of an autonomous system as its registry writes it, UTF-8 without control characters; "" when
 * unknown.  Lives as long as geo, which may be NULL. */
const char *geo_asn_name(const struct geo *geo, uint32_t asn);

struct geo_info {
	uint64_t bytes;
	uint32_t v4_ranges;
	uint32_t v6_ranges;
	uint32_t values;
	uint32_t names;
	uint8_t inputs_hash[32]; /* SHA-256 over the inputs: equal inputs, equal hash */
};

void geo_get_info(const struct geo *geo, struct geo_info *ret_info);

struct geo_inputs {
	const char *const *country; /* MMDB or CSV files, by content; later ones fill gaps only */
	size_t country_count;
	const char *const *asn; /* likewise */
	size_t asn_count;
};

/*
 * Compiles inputs into output (temporary name, fsync, rename).  A wrong CSV line is
 * ST_MALFORMED with file:line; where ranges of a CSV file overlap, the one that begins later loses
 * the shared part (ST_MALFORMED when that is more than 1 % of them).  A damaged MMDB is
 * ST_MALFORMED, one without a country (or AS number) ST_UNSUPPORTED, with its file name.
 */
ST_MUST_CHECK int geo_compile(const struct geo_inputs *inputs, const char *output, struct err *err);

/*
 * A table that can be swapped while others look things up.  A reader acquires the current table
 * before a batch and releases it after; the old one is closed when its last reader is done.
 */
struct geo_holder;

ST_MUST_CHECK int geo_holder_new(struct geo_holder **ret_holder);
/* Takes geo (NULL: everything is unknown from now on). */
void geo_holder_swap(struct geo_holder *holder, struct geo *geo_take);
/* NULL when there is none, which geo_lookup and geo_holder_release take. */
struct geo *geo_holder_acquire(struct geo_holder *holder);
void geo_holder_release(struct geo_holder *holder, struct geo *geo);
/* Every reader has released before.  NULL is allowed. */
void geo_holder_free(struct geo_holder *holder);
