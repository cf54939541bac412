/*
 * Which port × country × sensor the change of all access is made of.
 *
 * A cell can be no larger than its port's access in the larger of the two periods, so the cells of
 * the largest ports are asked for, with the question that explains the movers; what they leave of
 * the change is one line.  Everything is on the sensors that observed in both periods, in the
 * basis of the report.
 */
#include "report/gather.h"

#include <math.h>
#include <string.h>

static double potential(const struct gather_item *item)
{
	return fmax(item->rate.panel_now, item->rate.panel_before);
}

size_t gather_contribution_ports(const struct gather *g, int64_t *targets, size_t count)
{
	double largest[GATHER_CONTRIBUTION_PORTS];
	uint32_t keys[GATHER_CONTRIBUTION_PORTS];
	size_t kept = 0;

	for (size_t i = 0; i < g->ports.count; i++) {
		double p = potential(&g->ports.items[i]);
		size_t at = kept;

		if (p <= 0)
			continue;
		while (at > 0 && largest[at - 1] < p)
			at--;
		if (at == GATHER_CONTRIBUTION_PORTS)
			continue;
		if (kept < GATHER_CONTRIBUTION_PORTS)
			kept++;
		memmove(&largest[at + 1], &largest[at], (kept - at - 1) * sizeof(*largest));
		memmove(&keys[at + 1], &keys[at], (kept - at - 1) * sizeof(*keys));
		largest[at] = p;
		keys[at] = g->ports.items[i].key;
	}
	for (size_t i = 0, said = count; i < kept; i++) {
		bool there = false;

		for (size_t j = 0; j < said && !there; j++)
			there = targets[j] == (int64_t)keys[i];
		if (!there)
			targets[count++] = keys[i];
	}
	return count;
}

static double moved(const struct gather_contribution *c)
{
	return c->now - c->before;
}

/* The larger first; equal ones in the order of the question, which is a fixed one. */
static void keep(struct gather *g, const struct gather_contribution *cell)
{
	size_t at = g->contribution_count;

	while (at > 0 && fabs(moved(&g->contributions[at - 1])) < fabs(moved(cell)))
		at--;
	if (at == GATHER_CONTRIBUTIONS_MAX || moved(cell) == 0)
		return;
	if (g->contribution_count < GATHER_CONTRIBUTIONS_MAX)
		g->contribution_count++;
	memmove(&g->contributions[at + 1], &g->contributions[at],
	    (g->contribution_count - at - 1) * sizeof(*cell));
	g->contributions[at] = *cell;
}

void gather_contributions(struct gather *g, const struct store_result *result)
{
	for (size_t i = 0; i < store_result_rows(result); i++) {
		size_t sensor = gather_sensor_find(g, (uint16_t)store_result_int(result, i, 0));
		const char *code = store_result_text(result, i, 1);
		const struct report_weight *weight;
		struct gather_contribution cell;

		if (sensor == SIZE_MAX)
			continue;
		weight = &g->weights[g->options->basis][sensor];
		cell = (struct gather_contribution){
			.key = (uint32_t)store_result_int(result, i, 2),
			.sensor = sensor,
			.now = store_result_real(result, i, 3) * weight->panel_now,
			.before = store_result_real(result, i, 4) * weight->panel_before,
		};
		(void)memcpy(cell.country, strlen(code) == 2 ? code : "ZZ", 2);
		keep(g, &cell);
	}
}
