/* CSV ranges written by an enemy: whatever is accepted is ordered and disjoint. */
#include "geo/ranges.h"

#include <stdlib.h>

static void check(const struct geo_ranges *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct geo_range *r = &list->items[i];

		if (r->value == 0 || ip_compare(r->first, r->last) > 0)
			abort();
		if (i > 0 && ip_compare(list->items[i - 1].last, r->first) >= 0)
			abort();
	}
}

static void read_as(enum geo_role role, const uint8_t *data, size_t len)
{
	struct geo_names names = {0};
	struct buf source = {0};
	struct geo_input input = {
	    .path = "fuzz.csv",
	    .role = role,
	    .names = &names,
	    .source = &source,
	};
	struct geo_ranges merged = {0};
	struct err err = {0};

	if (geo_csv_read(&input, data, len, &err) == ST_OK &&
	    geo_ranges_order(&input.v4, input.path, &err) == ST_OK &&
	    geo_ranges_order(&input.v6, input.path, &err) == ST_OK) {
		check(&input.v4);
		check(&input.v6);
		/* IPv6 ranges into IPv4 ranges: what merges is arbitrary here. */
		if (geo_ranges_fill(&merged, &input.v4) != ST_OK ||
		    geo_ranges_fill(&merged, &input.v6) != ST_OK ||
		    geo_ranges_fill(&merged, &input.v4) != ST_OK)
			abort();
		check(&merged);
	} else if (err.code == 0 || err.text[0] == '\0') {
		abort(); /* refused without a word */
	}
	geo_ranges_fini(&merged);
	geo_ranges_fini(&input.v4);
	geo_ranges_fini(&input.v6);
	geo_names_fini(&names);
	buf_fini(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	read_as(GEO_ROLE_ASN, data, len);
	read_as(GEO_ROLE_COUNTRY, data, len);
	return 0;
}
