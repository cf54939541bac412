/*
 * Clusters on a live sensor: sources whose SYNs keep something constant (fingerprint/clusters.h),
 * told to the store when their site day is over or the worker ends.
 */
#pragma once

#include "daemon/worker.h"
#include "fingerprint/clusters.h"

#include "base/zone.h"

struct daily_clusters {
	struct clusters *clusters;
	struct zone *zone; /* of the site */
	int64_t day_start_us;
	int64_t day_end_us;
};

/* Before the worker confines itself. */
ST_MUST_CHECK int daily_clusters_init(struct daily_clusters *daily, const char *timezone,
    struct err *err);

/* Looks at a batch that the tally counted. */
void daily_clusters_add(struct daily_clusters *daily, struct worker *worker,
    const struct decode_packet *packets, size_t count);

/* A day that is over ends when no packet of it comes any more, also without one of the next. */
void daily_clusters_turn(struct daily_clusters *daily, struct worker *worker, int64_t wall_us);

/* Tells what there is of the day so far and forgets it. */
void daily_clusters_end(struct daily_clusters *daily, struct worker *worker);
