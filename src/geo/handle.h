/* The open table; shared by geo.c and holder.c. */
#pragma once

#include "geo/format.h"
#include "os/file.h"

#include <stdbool.h>
#include <stdint.h>

struct geo {
	struct os_map map;
	const struct geo_header *header;
	const uint32_t *v4_index; /* GEO_INDEX_COUNT */
	const struct geo_v4_entry *v4;
	const struct ip *v6;
	const uint32_t *v6_value;
	const struct geo_value *values;
	const struct geo_name *names;
	const char *text;
	/* Copies: the file could change under its map, these do not. */
	uint32_t v4_count;
	uint32_t v6_count;
	uint32_t value_count;
	uint32_t name_count;
	uint32_t text_len;
	/* Guarded by the holder's lock. */
	unsigned readers;
	bool retired;
};
