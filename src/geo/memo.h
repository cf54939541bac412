/*
 * Places of addresses that somebody looked up lately or said he would: who has a batch of packets
 * names their addresses at once, so that the searches wait for memory together, and finds each place
 * when its turn comes.
 *
 * One thread's.  Whatever was named or not, a place is the one that geo_lookup gives.
 */
#pragma once

#include "geo/geo.h"

struct geo_memo;

/* -ENOMEM.  geo may be NULL; otherwise it must live as long. */
ST_MUST_CHECK int geo_memo_new(const struct geo *geo, struct geo_memo **ret_memo);
void geo_memo_free(struct geo_memo *memo);

/* These will be asked for soon; far more than GEO_MEMO_AHEAD would push each other out. */
#define GEO_MEMO_AHEAD 256
void geo_memo_expect(struct geo_memo *memo, const struct ip *ips, size_t count);

struct geo_place geo_memo_find(struct geo_memo *memo, struct ip ip);
