/* Rates and changes; the contract is in rate.h. */
#include "report/rate.h"

#include "base/civil.h"

#include <math.h>
#include <string.h>

/* Changes below this many percent print as 同程度 (they would round to 0.0 %). */
#define SAME_PERCENT 0.05

static int64_t min_time(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

struct report_observed report_observed_union(const struct report_span *spans, size_t count,
    int64_t from, int64_t to)
{
	double us = 0;
	double address_us = 0;
	int64_t covered = from;      /* everything before is counted */
	uint32_t covered_with = 0;   /* addresses of the piece that ends at `covered` */

	for (size_t i = 0; i < count; i++) {
		int64_t begin = spans[i].from > from ? spans[i].from : from;
		int64_t end = min_time(spans[i].to, to);
		uint32_t addresses = spans[i].addresses;

		if (end <= begin)
			continue;
		if (begin < covered && addresses > covered_with)
			address_us += (double)(min_time(end, covered) - begin)
			    * (double)(addresses - covered_with);
		if (begin < covered)
			begin = covered;
		if (end <= begin)
			continue;
		us += (double)(end - begin);
		address_us += (double)(end - begin) * addresses;
		covered = end;
		covered_with = addresses;
	}
	return (struct report_observed){us / CIVIL_US_PER_DAY, address_us / CIVIL_US_PER_DAY};
}

/* The weight of each sensor in one period; `member` NULL = all. */
static void weigh(enum report_basis basis, const struct report_observed *observed,
    const bool *member, size_t count, size_t offset, struct report_weight *weights)
{
	double address_days = 0;
	size_t sensors = 0;

	for (size_t i = 0; i < count; i++)
		if ((!member || member[i]) && observed[i].days > 0) {
			address_days += observed[i].address_days;
			sensors++;
		}
	for (size_t i = 0; i < count; i++) {
		double weight = 0;

		if ((!member || member[i]) && observed[i].days > 0) {
			if (basis == REPORT_BASIS_ADDRESS)
				weight = address_days > 0 ? 1 / address_days : 0;
			else if (basis == REPORT_BASIS_SENSOR_MEAN)
				weight = 1 / (observed[i].days * (double)sensors);
			else
				weight = 1 / observed[i].days;
		}
		memcpy((char *)&weights[i] + offset, &weight, sizeof(weight));
	}
}

void report_weights(enum report_basis basis, const struct report_observed *now,
    const struct report_observed *before, const bool *panel, size_t count,
    struct report_weight *ret_weights)
{
	weigh(basis, now, NULL, count, offsetof(struct report_weight, now), ret_weights);
	weigh(basis, before, NULL, count, offsetof(struct report_weight, before), ret_weights);
	weigh(basis, now, panel, count, offsetof(struct report_weight, panel_now), ret_weights);
	weigh(basis, before, panel, count, offsetof(struct report_weight, panel_before),
	    ret_weights);
}

void report_measure_add(struct report_measure *measure, const struct report_weight *weight,
    double packets_now, double packets_before)
{
	measure->now += packets_now * weight->now;
	measure->before += packets_before * weight->before;
	measure->panel_now += packets_now * weight->panel_now;
	measure->panel_before += packets_before * weight->panel_before;
}

struct report_change report_change_of(const struct report_measure *measure, bool has_before)
{
	struct report_change change = {.state = REPORT_CHANGE_NO_DATA};

	if (!has_before)
		return change;
	change.difference = measure->panel_now - measure->panel_before;
	if (measure->panel_before <= 0) {
		change.state = measure->panel_now > 0 ? REPORT_CHANGE_NEW : REPORT_CHANGE_NONE;
		return change;
	}
	change.percent = change.difference / measure->panel_before * 100;
	if (fabs(change.percent) < SAME_PERCENT)
		change.state = REPORT_CHANGE_SAME;
	else
		change.state = change.difference > 0 ? REPORT_CHANGE_UP : REPORT_CHANGE_DOWN;
	return change;
}
