/*
 * Layout of a compiled geo table; shared by the one place that writes it (compile.c) and the one
 * that reads it (geo.c, whose head describes it in words).
 */
#pragma once

#include "base/ip.h"

#include <stdint.h>

#define GEO_MAGIC "TEITENGE"
#define GEO_MAGIC_LEN 8
#define GEO_VERSION 1u
#define GEO_BYTE_ORDER 0x01020304u
#define GEO_HASH_LEN 32
#define GEO_INDEX_COUNT 65537u

/* No table is larger than this many ranges per family, values or names. */
#define GEO_COUNT_MAX (1u << 27)

struct geo_header {
	char magic[GEO_MAGIC_LEN];
	uint32_t version;
	uint32_t byte_order;
	uint64_t file_len;
	uint8_t inputs_hash[GEO_HASH_LEN];
	uint32_t v4_count;
	uint32_t v6_count;
	uint32_t value_count;
	uint32_t name_count;
	uint32_t text_len;
	uint32_t reserved;
};

struct geo_v4_entry {
	uint32_t first;
	uint32_t value;
};

struct geo_value {
	char country[2];
	uint16_t reserved;
	uint32_t asn;
};

struct geo_name {
	uint32_t asn;
	uint32_t offset; /* in the text section */
};

/* Byte offsets of the sections, from the counts alone. */
struct geo_layout {
	uint64_t v4_index;
	uint64_t v4;
	uint64_t v6;
	uint64_t values;
	uint64_t names;
	uint64_t v6_value;
	uint64_t text;
	uint64_t end;
};

static inline struct geo_layout geo_layout_of(const struct geo_header *h)
{
	struct geo_layout at;

	at.v4_index = sizeof(struct geo_header);
	at.v4 = at.v4_index + (GEO_INDEX_COUNT + 1u) * (uint64_t)sizeof(uint32_t);
	at.v6 = at.v4 + h->v4_count * (uint64_t)sizeof(struct geo_v4_entry);
	at.values = at.v6 + h->v6_count * (uint64_t)sizeof(struct ip);
	at.names = at.values + h->value_count * (uint64_t)sizeof(struct geo_value);
	at.v6_value = at.names + h->name_count * (uint64_t)sizeof(struct geo_name);
	at.text = at.v6_value + h->v6_count * (uint64_t)sizeof(uint32_t);
	at.end = at.text + h->text_len;
	return at;
}

_Static_assert(sizeof(struct geo_header) == 80, "the header is part of the format");
_Static_assert(sizeof(struct geo_value) == 8, "values are part of the format");
