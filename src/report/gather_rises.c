/*
 * Rises and falls of both periods, for 注目された現象 and 前期からの続き.
 *
 * What rose because a port did, and a signature that rose with a port, say nothing more and are
 * not told; they are kept for what became of those that were told before.
 *
 * This is about half of the work of a report, and needs of the rest only what coverage has told: it is
 * done beside it.  So nothing here may touch a part of the gather that other steps write.
 */
#include "report/gather.h"

#include <math.h>
#include <stdlib.h>

/* Rates nearer than this are those of the same packets. */
#define SAME_RATE_PART 0.05

/* A port rose on the same day by the same packets. */
static bool is_of_port(const struct rises *rises, const struct rise *rise)
{
	for (size_t i = 0; i < rises->count; i++) {
		const struct rise *port = &rises->items[i];

		if (port->kind == RISES_PORT && port->direction == rise->direction
		    && port->first_day == rise->first_day
		    && fabs(port->observed - rise->observed) <= SAME_RATE_PART * port->observed)
			return true;
	}
	return false;
}

static void list_told(const struct rises *rises, const struct rise ***ret_told, size_t *ret_count)
{
	const struct rise **told = gather_alloc(rises->count, sizeof(*told));
	size_t count = 0;

	for (size_t i = 0; i < rises->count; i++)
		if (!rises->items[i].explained_by[0] && (rises->items[i].kind != RISES_SIGNATURE
		        || !is_of_port(rises, &rises->items[i])))
			told[count++] = &rises->items[i];
	*ret_told = told;
	*ret_count = count;
}

int gather_rises(void *arg, struct store *store, struct err *err)
{
	struct gather *g = arg;
	const struct rises_options options[] = {
		{.period = g->now, .evidence = true, .all = true, .rule = g->options->rise_rule},
		{.period = g->before, .rule = g->options->rise_rule},
	};
	size_t count = g->sensors_before > 0 ? 2 : 1;
	struct rises found[2] = {0};
	int r;

	r = rises_find_all(store, options, count, found, err);
	g->rises = found[0];
	g->rises_before = found[1];
	if (r < 0)
		return r;
	list_told(&g->rises, &g->told, &g->told_count);
	if (count > 1)
		list_told(&g->rises_before, &g->told_before, &g->told_before_count);
	return ST_OK;
}

void gather_rises_fini(struct gather *g)
{
	rises_fini(&g->rises);
	rises_fini(&g->rises_before);
	free(g->told);
	free(g->told_before);
}
