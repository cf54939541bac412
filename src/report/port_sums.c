/* Sums by port; the contract is in port_sums.h. */
#include "report/port_sums.h"

#include <stdlib.h>
#include <string.h>

#define PORTS_FIRST 64

double *port_sums_at(struct port_sums *sums, uint32_t key)
{
	size_t port = port_index_get(&sums->index, key);

	if (port == SIZE_MAX)
		return NULL;
	if (port >= sums->cap) {
		size_t cap = sums->cap ? 2 * sums->cap : PORTS_FIRST;
		double *more = realloc(sums->sums, cap * sums->width * sizeof(*more));

		if (!more)
			return NULL;
		memset(more + sums->cap * sums->width, 0,
		    (cap - sums->cap) * sums->width * sizeof(*more));
		sums->sums = more;
		sums->cap = cap;
	}
	return &sums->sums[port * sums->width];
}

void port_sums_fini(struct port_sums *sums)
{
	port_index_fini(&sums->index);
	free(sums->sums);
	*sums = (struct port_sums){0};
}

uint32_t port_sums_key(const struct gather *g, int64_t proto, int64_t port)
{
	bool folded = g->options->icmp_zero && (proto == 1 || proto == 58);

	return GATHER_KEY(proto & 0xff, folded ? 0 : port & 0xffff);
}

struct scan {
	struct gather *g;
	struct port_sums *sums;
	size_t at;
};

static int take(void *arg, const struct store_result *block, struct err *err)
{
	struct scan *scan = arg;
	const int64_t *columns[5];
	int64_t id = -1;
	size_t sensor = SIZE_MAX;

	if (!store_result_all_ints(block, 5, columns))
		return ST_OK;
	for (size_t row = 0; row < store_result_rows(block); row++) {
		double *sums;

		if (columns[1][row] != id) {
			id = columns[1][row];
			sensor = gather_sensor_find(scan->g, (uint16_t)id);
		}
		if (sensor == SIZE_MAX)
			continue;
		sums = port_sums_at(&scan->sums[sensor],
		    port_sums_key(scan->g, columns[2][row], columns[3][row]));
		if (!sums)
			return err_set(err, ST_LIMIT, "out of memory");
		sums[scan->at + (columns[0][row] < scan->g->now.from)] += (double)columns[4][row];
	}
	return ST_OK;
}

int port_sums_ask(struct gather *g, const char *question, const struct store_param *params,
    size_t count, size_t at, struct port_sums *sums, struct err *err)
{
	struct scan scan = {.g = g, .sums = sums, .at = at};

	return gather_scan(g, question, params, count, g->first, take, &scan, err);
}

struct visit {
	const struct port_sums *sums; /* of the sensor */
	size_t sensor;
	int (*each)(void *arg, size_t sensor, uint32_t key, const double *sums);
	void *arg;
};

static int visit_port(void *arg, uint32_t key, size_t port)
{
	const struct visit *visit = arg;

	return visit->each(visit->arg, visit->sensor, key,
	    &visit->sums->sums[port * visit->sums->width]);
}

int port_sums_each(const struct gather *g, const struct port_sums *sums,
    int (*each)(void *arg, size_t sensor, uint32_t key, const double *sums), void *arg)
{
	int rc = ST_OK;

	for (size_t i = 0; i < g->sensor_count && !rc; i++) {
		struct visit visit = {.sums = &sums[i], .sensor = i, .each = each, .arg = arg};

		rc = port_index_each(&sums[i].index, visit_port, &visit);
	}
	return rc;
}
