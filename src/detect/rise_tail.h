/*
 * What the judgement of rises computes with: medians, tails of distributions, a baseline's
 * expectation of one day.  Private to detect/rise*.c.
 */
#pragma once

#include "detect/rise.h"

#include <stdbool.h>
#include <stddef.h>

#define RISE_BASELINE_MAX 64

/* Counts of one quantity at one sensor (or of all together) and what they divide by. */
struct rise_line {
	const double *count;    /* [days] */
	const double *exposure; /* [days]; 0 = not observed */
};

/* What an ordinary day would bring. */
struct rise_base {
	unsigned days;  /* it rests on; 0: nothing is known and the rest is 0 */
	double mean;
	double deviation;
	double total;   /* counted in those days */
};

/* Puts values into another order and returns their median; 0 for none. */
double rise_median(double *values, size_t count);

/* Natural logarithm of P(X ≥ count) of a negative binomial; variance ≤ mean means Poisson. */
double rise_upper_tail(double count, double mean, double variance);
/* … of P(X ≤ count). */
double rise_lower_tail(double count, double mean, double variance);

/* Natural logarithm of the combined p of independent ones, Fisher (1925). */
double rise_fisher(const double *ln_p, size_t count);

/*
 * Expectation of day `day` from the given earlier days.  first_day tells weekdays; packets: single
 * busy days are held down, because one source can make them.
 */
struct rise_base rise_base_of(const struct rise_rule *rule, const struct rise_line *line,
    const size_t *days, size_t count, size_t day, int32_t first_day, bool packets);
