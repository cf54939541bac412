/*
 * Where the sources of a run are: country and autonomous system of each, looked up at the end.
 *
 * Private to the summary.
 */
#pragma once

#include "geo/geo.h"
#include "tally/sources.h"
#include "tally/v6.h"

#define PLACES_COUNTRIES (26u * 26u) /* ZZ is the last */

/* All by a source's number - 1, but the last two. */
struct places {
	uint16_t *countries; /* 0 … PLACES_COUNTRIES - 1: (first letter) * 26 + second */
	uint32_t *asn_of;    /* position in asns */
	uint32_t *asns;      /* each autonomous system once; 0: unknown */
	uint32_t asn_count;
};

/* geo may be NULL.  The caller ends with places_fini.  -ENOMEM. */
ST_MUST_CHECK int places_find(const struct sources *sources, const struct v6_numbers *v6,
    const struct geo *geo, struct places *ret_places);

/* All zero is allowed, and what it is afterwards. */
void places_fini(struct places *places);
