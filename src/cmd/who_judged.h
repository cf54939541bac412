/*
 * What an address was judged to be: roles by day, attacks on it; who.c prints the rest.
 */
#pragma once

#include "cmd/roles.h"
#include "cmd/window.h"

struct who_span { /* days on end with the same role */
	int32_t from;
	int32_t to; /* last day */
	enum role role;
	uint64_t packets;
	char reason[ROLE_REASON_MAX]; /* of the day with most packets */
	uint64_t most;
};

struct who_judged {
	struct who_span *spans;
	size_t span_count;
	enum role role; /* with most packets; ROLE_COUNT: none */
	char reason[ROLE_REASON_MAX];
	struct buf tools; /* names, comma */
	char research[64];
	struct store_result *attacks;
	struct store_result *clusters;
};

/* hi, lo: the address as SQL. */
ST_MUST_CHECK int who_judged_load(struct who_judged *judged, struct window *w, const char *hi,
    const char *lo, struct err *err);
void who_judged_fini(struct who_judged *judged);

/* Appends the members role, reason and tools, clusters, roles and attacks, as in a JSON object, each
 * with ", " behind it. */
void who_judged_json(const struct who_judged *judged, struct buf *b);

/* Appends lines for people; heading puts a line's name. */
void who_judged_people(const struct who_judged *judged, const struct publish_style *style,
    struct zone *zone, void (*heading)(void *arg, const char *ja, const char *en, struct buf *b),
    void *arg, struct buf *b);
