/*
 * Few sources that ask a port again and again: which days could have them, and how many they were.
 *
 * Only flow knows, so only days that stand out are asked about.  Where few ports have any, each is
 * read by itself, on its own days: files are sorted by port, and a condition on one port is what
 * the engine passes over the rest of a file by.
 */
#include "report/rises_parts.h"

#include "base/civil.h"

#include <stdlib.h>
#include <string.h>

#define PAIRS_MAX 2000   /* of port and day */
#define ALONE_MAX 32     /* ports that are read one by one */
#define DAY_FACTOR 1024  /* a pair as one number */
_Static_assert(RISE_DAYS_MAX < DAY_FACTOR, "a day must fit");

struct heavy_port {
	uint32_t key;
	bool days[RISE_DAYS_MAX];
};

struct rises_heavy {
	struct rises_work *w;
	struct heavy_port ports[PAIRS_MAX];
	size_t count;
	size_t pairs; /* with those that another sensor had, too */
};

struct rises_heavy *rises_heavy_new(struct rises_work *w)
{
	struct rises_heavy *heavy = gather_alloc(1, sizeof(*heavy));

	heavy->w = w;
	return heavy;
}

static void add(struct rises_heavy *heavy, uint32_t key, size_t day)
{
	if (heavy->count == 0 || heavy->ports[heavy->count - 1].key != key)
		heavy->ports[heavy->count++].key = key;
	heavy->ports[heavy->count - 1].days[day] = true;
	heavy->pairs++;
}

void rises_heavy_note(struct rises_heavy *heavy, uint32_t port_key, const float *packets)
{
	const struct gather *g = &heavy->w->g;

	for (size_t i = 0; i < g->sensor_count; i++) {
		const float *counts = &packets[i * g->day_count];
		double sum = 0;

		for (size_t t = 0; t < g->day_count && heavy->pairs < PAIRS_MAX; t++) {
			if (t > 0 && rise_heavy_possible(counts[t], sum / (double)t))
				add(heavy, port_key, t);
			else
				sum += counts[t];
		}
	}
}

#define ROWS_SQL \
	"SELECT date, sensor, proto, port, src_hi, src_lo, packets FROM flow WHERE class = 0"

/* The rows of one port on its days. */
static void put_alone(const struct gather *g, const struct heavy_port *port, struct buf *sql)
{
	const char *separator = "";

	buf_printf(sql, ROWS_SQL " AND proto = %u AND port = %u AND (", GATHER_PROTO(port->key),
	    GATHER_PORT(port->key));
	for (size_t from = 0, to; from < g->day_count; from = to + 1) {
		for (to = from; to < g->day_count && port->days[to];)
			to++;
		if (to == from)
			continue;
		buf_puts(sql, separator);
		gather_put_days(g, from, to, sql);
		separator = " OR ";
	}
	buf_putc(sql, ')');
}

/* The rows of all ports and days, from one reading of everything between. */
static void put_together(const struct rises_heavy *heavy, struct buf *sql)
{
	const struct gather *g = &heavy->w->g;
	char from[CIVIL_DATE_TEXT_MAX];
	char to[CIVIL_DATE_TEXT_MAX];
	const char *separator = "";

	(void)civil_format_date(g->first, from);
	(void)civil_format_date(g->now.to, to);
	/* A short list of ports lets the engine pass over what it need not read. */
	buf_printf(sql, ROWS_SQL " AND date >= toDate('%s') AND date < toDate('%s') AND port IN (",
	    from, to);
	for (size_t i = 0; i < heavy->count; i++)
		buf_printf(sql, "%s%u", i ? "," : "", GATHER_PORT(heavy->ports[i].key));
	buf_printf(sql, ") AND toInt64(proto * 65536 + port) * %d + (date - toDate('%s')) IN (",
	    DAY_FACTOR, from);
	for (size_t i = 0; i < heavy->count; i++)
		for (size_t t = 0; t < g->day_count; t++) {
			if (!heavy->ports[i].days[t])
				continue;
			buf_printf(sql, "%s%llu", separator,
			    (unsigned long long)heavy->ports[i].key * DAY_FACTOR + t);
			separator = ",";
		}
	buf_putc(sql, ')');
}

/* Packets from which on a source is a heavy one, by sensor. */
static void put_least(const struct rises_work *w, struct buf *sql)
{
	buf_puts(sql, "CASE sensor");
	for (size_t i = 0; i < w->g.sensor_count; i++)
		buf_printf(sql, " WHEN %u THEN %.0f", (unsigned)w->g.sensors[i].id,
		    rise_heavy_least(w->nominal[i]));
	buf_puts(sql, " ELSE 1 END");
}

int rises_heavy_ask(struct rises_heavy *heavy, struct store_result **ret_result, struct err *err)
{
	struct buf rows = {0};
	struct buf least = {0};
	struct store_param params[] = {{.name = "from_day"}, {.name = "to_day"},
	    {.name = "rows", .kind = STORE_PARAM_SQL}, {.name = "least", .kind = STORE_PARAM_SQL}};
	int rc;

	if (heavy->count == 0)
		return ST_OK;
	if (heavy->count > ALONE_MAX)
		put_together(heavy, &rows);
	for (size_t i = 0; i < heavy->count && heavy->count <= ALONE_MAX; i++) {
		buf_puts(&rows, i ? " UNION ALL " : "");
		put_alone(&heavy->w->g, &heavy->ports[i], &rows);
	}
	put_least(heavy->w, &least);
	params[2].text = buf_text(&rows);
	params[3].text = buf_text(&least);
	rc = rises_ask(heavy->w, "rises_port_heavy", params, 4, ret_result, err);
	buf_fini(&rows);
	buf_fini(&least);
	return rc;
}
