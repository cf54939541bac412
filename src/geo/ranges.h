/*
 * What the input readers (mmdb.c, csv.c) collect and compile.c merges: ranges of addresses with
 * one number each, and the names of autonomous systems.
 */
#pragma once

#include "base/buf.h"
#include "base/ip.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More ranges than any real database has (a city database: about 10 million). */
#define GEO_RANGES_MAX (1u << 25)

/* Longest name of an autonomous system that is kept, in bytes. */
#define GEO_NAME_MAX 120

struct geo_range {
	struct ip first;
	struct ip last;
	uint32_t value; /* a country as GEO_CC, or an AS number; never 0 */
	uint32_t line;  /* of a CSV file; 0 for MMDB */
};

#define GEO_CC(a, b) ((uint32_t)(unsigned char)(a) << 8 | (uint32_t)(unsigned char)(b))

/* Zero-initialise to start empty; geo_ranges_fini frees. */
struct geo_ranges {
	struct geo_range *items;
	size_t count;
	size_t cap;
};

/* Adds a range; grows the last one when it continues it.  -ENOMEM, ST_LIMIT. */
ST_MUST_CHECK int geo_ranges_add(struct geo_ranges *list, struct geo_range range);

/*
 * Sorts by first address.  Where ranges overlap, the one that begins later (then: the later line)
 * loses the shared part; more than a few such are ST_MALFORMED, the text names path and line.
 */
ST_MUST_CHECK int geo_ranges_order(struct geo_ranges *list, const char *path, struct err *err);

/* Adds to `into` the parts of `more` that it does not cover; both are in order and stay so. */
ST_MUST_CHECK int geo_ranges_fill(struct geo_ranges *into, const struct geo_ranges *more);

void geo_ranges_fini(struct geo_ranges *list);

/* The address after ip; wraps at the end of the address space. */
static inline struct ip geo_ip_next(struct ip ip)
{
	ip.lo++;
	ip.hi += ip.lo == 0;
	return ip;
}

static inline struct ip geo_ip_previous(struct ip ip)
{
	ip.hi -= ip.lo == 0;
	ip.lo--;
	return ip;
}

/* Names by AS number, first come first kept.  Zero-initialise. */
struct geo_names {
	struct geo_name_slot *slots;
	size_t count;
	size_t cap;
	struct buf text; /* NUL-terminated names */
};

struct geo_name_slot {
	uint32_t asn; /* 0 = free */
	uint32_t offset;
};

/* Keeps name[0..len) repaired to UTF-8 without control characters.  -ENOMEM. */
ST_MUST_CHECK int geo_names_add(
    struct geo_names *names, uint32_t asn, const char *name, size_t len);
void geo_names_fini(struct geo_names *names);

enum geo_role {
	GEO_ROLE_COUNTRY,
	GEO_ROLE_ASN,
};

/* One input being read, and where its content goes. */
struct geo_input {
	const char *path;
	enum geo_role role;
	struct geo_ranges v4;
	struct geo_ranges v6;
	struct geo_names *names;
	struct buf *source; /* a phrase for the description: what this is and of when */
};

/* Text of an input as part of one line: repaired UTF-8, control characters become spaces. */
void geo_append_line_text(struct buf *b, const char *text, size_t len);

/* Does the file end like a MaxMind DB? */
bool geo_mmdb_is(const uint8_t *data, size_t len);

ST_MUST_CHECK int geo_mmdb_read(struct geo_input *input, struct err *err);
ST_MUST_CHECK int geo_csv_read(
    struct geo_input *input, const uint8_t *data, size_t len, struct err *err);
