/*
 * How much a ranking owes to one sensor: each sensor is left out in turn, and what then moves by
 * two ranks or more is marked (†); the median over sensors stands beside the mean.
 */
#include "report/gather.h"

#include <stdlib.h>
#include <string.h>

#define CELLS_FIRST 1024
/* With two sensors one of them is always half of everything. */
#define SENSORS_LEAST 3
#define MOVED_RANKS 2

void gather_cell_add(struct gather_cells *cells, uint32_t key, size_t sensor, double packets)
{
	if (packets <= 0)
		return;
	if (cells->count == cells->cap) {
		size_t cap = cells->cap ? cells->cap * 2 : CELLS_FIRST;
		struct gather_cell *grown = gather_alloc(cap, sizeof(*grown));

		if (cells->count)
			memcpy(grown, cells->items, cells->count * sizeof(*grown));
		free(cells->items);
		cells->items = grown;
		cells->cap = cap;
	}
	cells->items[cells->count++] = (struct gather_cell){key, (uint32_t)sensor, packets};
}

/* What a sensor's packet is worth in the ranking, but for a factor that is the same for all. */
static double worth(const struct gather *g, size_t sensor)
{
	double days = g->sensors[sensor].now.days;

	return g->options->basis == REPORT_BASIS_ADDRESS ? 1 : days > 0 ? 1 / days : 0;
}

/* Rank of an item among scores; ties keep the order of the list. */
static unsigned rank_in(const double *scores, size_t count, size_t item)
{
	double own = gather_order(scores[item]);
	unsigned above = 0;

	for (size_t i = 0; i < count; i++) {
		double other = gather_order(scores[i]);

		above += other > own || (other == own && i < item);
	}
	return above + 1;
}

static void leave_out(const struct gather *g, struct gather_list *list,
    const struct gather_cells *cells, size_t sensor, double *scores, size_t top)
{
	memset(scores, 0, list->count * sizeof(*scores));
	for (size_t i = 0; i < cells->count; i++) {
		const struct gather_cell *cell = &cells->items[i];
		const struct gather_item *item = cell->sensor == sensor ? NULL
		    : gather_item_find(list, cell->key);

		if (item)
			scores[item - list->items] += cell->packets * worth(g, cell->sensor);
	}
	for (size_t i = 0; i < top; i++) {
		struct gather_item *item = &list->items[i];
		unsigned rank = rank_in(scores, list->count, i);
		unsigned moved = rank > item->rank ? rank - item->rank : item->rank - rank;
		unsigned most = item->rank_without > item->rank ? item->rank_without - item->rank
		    : item->rank - item->rank_without;

		if (moved < MOVED_RANKS || (item->rank_without && moved <= most))
			continue;
		item->rank_without = rank;
		item->sensor_without = sensor;
		item->seen_without = scores[i] > 0;
	}
}

static int compare_doubles(const void *pa, const void *pb)
{
	double a = *(const double *)pa;
	double b = *(const double *)pb;

	return (a > b) - (a < b);
}

/* The middle sensor's own rate of an item; sensors that did not see it count as 0. */
static void find_median(const struct gather *g, struct gather_item *item,
    const struct gather_cells *cells, double *rates)
{
	size_t count = 0;

	for (size_t s = 0; s < g->sensor_count; s++) {
		const struct report_observed *now = &g->sensors[s].now;
		double base = g->options->basis == REPORT_BASIS_ADDRESS ? now->address_days
		    : now->days;
		double packets = 0;

		if (now->days <= 0)
			continue;
		for (size_t i = 0; i < cells->count; i++)
			if (cells->items[i].sensor == s && cells->items[i].key == item->key)
				packets += cells->items[i].packets;
		rates[count++] = packets / base;
	}
	qsort(rates, count, sizeof(*rates), compare_doubles);
	item->median = count % 2 ? rates[count / 2]
	    : (rates[count / 2 - 1] + rates[count / 2]) / 2;
}

void gather_robust(struct gather *g, struct gather_list *list, const struct gather_cells *cells)
{
	size_t most = g->options->top_n ? g->options->top_n : REPORT_TOP_DEFAULT;
	size_t top = 0;
	double *scores;
	double *rates;

	if (g->sensors_now < SENSORS_LEAST)
		return;
	while (top < list->count && top < most && list->items[top].rank)
		top++;
	scores = gather_alloc(list->count, sizeof(*scores));
	rates = gather_alloc(g->sensor_count, sizeof(*rates));
	for (size_t s = 0; s < g->sensor_count; s++)
		if (g->sensors[s].now.days > 0)
			leave_out(g, list, cells, s, scores, top);
	for (size_t i = 0; i < top; i++)
		find_median(g, &list->items[i], cells, rates);
	free(scores);
	free(rates);
}
