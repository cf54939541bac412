/*
 * Sums by port, scanned instead of grouped by the engine: where somebody sweeps, a month has
 * millions of rows of a port, a sensor and a day, and a table in memory is the shortest way from
 * them to a few sums each.
 */
#pragma once

#include "report/gather.h"
#include "report/port_index.h"

struct port_sums {
	size_t width; /* numbers of each port; set it before the first */
	struct port_index index;
	double *sums;
	size_t cap;
};

/* A port's numbers, 0 when it is new; valid until the next new one.  NULL: out of memory. */
double *port_sums_at(struct port_sums *sums, uint32_t key);
void port_sums_fini(struct port_sums *sums);

/* GATHER_KEY with ICMP types folded where the options say so, as gather_target_sql. */
uint32_t port_sums_key(const struct gather *g, int64_t proto, int64_t port);

/*
 * Adds the rows (date, sensor, proto, port, packets) of a question to each sensor's sums: number
 * `at` those of now, the one after it those of before.  sums[sensor_count], made by the caller.
 */
ST_MUST_CHECK int port_sums_ask(struct gather *g, const char *question,
    const struct store_param *params, size_t count, size_t at, struct port_sums *sums,
    struct err *err);

/* For each sensor, and of it each port by key: what was summed up. */
ST_MUST_CHECK int port_sums_each(const struct gather *g, const struct port_sums *sums,
    int (*each)(void *arg, size_t sensor, uint32_t key, const double *sums), void *arg);
