/* Clusters by site day, as rows on their way to the store; the contract is in clusters.h. */
#include "daemon/clusters.h"

#define LATE_US 5000000ll /* packets wait in the ring for less */

int daily_clusters_init(struct daily_clusters *daily, const char *timezone, struct err *err)
{
	int rc = zone_new(timezone, &daily->zone, err);

	if (!rc && clusters_new(&daily->clusters))
		rc = err_set(err, ST_LIMIT, "out of memory");
	return rc;
}

static int tell(void *arg, const struct clusters_member *m)
{
	struct worker *worker = arg;
	char options[CLUSTERS_OPTIONS_MAX];
	struct record_cluster_day row = clusters_row(m, worker->start.sensor, worker->geo, options);

	(void)outbox_row(worker->outbox, RECORD_TABLE_cluster_day, &row);
	return ST_OK;
}

void daily_clusters_end(struct daily_clusters *daily, struct worker *worker)
{
	(void)clusters_members(daily->clusters, tell, worker);
	clusters_begin(daily->clusters, 0);
	daily->day_start_us = 0;
	daily->day_end_us = 0;
}

void daily_clusters_turn(struct daily_clusters *daily, struct worker *worker, int64_t wall_us)
{
	if (daily->day_end_us > 0 && wall_us >= daily->day_end_us + LATE_US)
		daily_clusters_end(daily, worker);
}

void daily_clusters_add(struct daily_clusters *daily, struct worker *worker,
    const struct decode_packet *packets, size_t count)
{
	int64_t time_us = count ? packets[0].time_us : daily->day_start_us;

	if (count && time_us >= daily->day_end_us) {
		int32_t day = zone_day(daily->zone, time_us);

		daily_clusters_end(daily, worker);
		daily->day_start_us = zone_day_start(daily->zone, day);
		daily->day_end_us = zone_day_start(daily->zone, day + 1);
		clusters_begin(daily->clusters, daily->day_start_us);
	}
	clusters_add(daily->clusters, packets, count);
}
