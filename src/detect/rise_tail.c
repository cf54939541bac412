/* Medians, tails and baselines; the contract is in rise_tail.h. */
#include "detect/rise_tail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAD_TO_DEVIATION 1.4826
#define FRACTION_STEPS 2000
#define FRACTION_ENOUGH 1e-12
#define TINY 1e-300
#define LOW_COUNT 5.0        /* below, a median says little: the mean is used */
#define LOW_VARIANCE 50.0    /* below, the days' own variance counts beside the MAD */
#define CLUMPS_UNTIL 5.0     /* mean from which on clumps of visitors are rather in the variance */
#define PRIOR_COUNT 0.5      /* Jeffreys: what a day of nothing still may bring */
#define WEEKDAY_DAYS 28      /* four of each */
#define WEEKDAY_COUNT 30.0
#define SHORT_FACTOR 1.5

static int compare(const void *va, const void *vb)
{
	double a = *(const double *)va;
	double b = *(const double *)vb;

	return a < b ? -1 : a > b;
}

/* A month of days by how many are smaller: no branch depends on the values, which sorting's do. */
static void sort(double *values, size_t count)
{
	double sorted[RISE_BASELINE_MAX];

	if (count > RISE_BASELINE_MAX) {
		qsort(values, count, sizeof(*values), compare);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		size_t at = 0;

		for (size_t j = 0; j < i; j++)
			at += values[j] <= values[i];
		for (size_t j = i + 1; j < count; j++)
			at += values[j] < values[i];
		sorted[at] = values[i];
	}
	memcpy(values, sorted, count * sizeof(*values));
}

static double median_sorted(const double *sorted, size_t count)
{
	if (count == 0)
		return 0;
	return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

/* Puts the value there that sorting would, nothing larger before it and nothing smaller behind. */
static double place(double *values, size_t count, size_t at)
{
	size_t from = 0;
	size_t last = count - 1;

	while (from < last) {
		double middle = values[from + (last - from) / 2];
		size_t i = from;
		size_t j = last + 1;

		for (;;) {
			while (values[i] < middle)
				i++;
			do
				j--;
			while (values[j] > middle);
			if (i >= j)
				break;
			double value = values[i];

			values[i++] = values[j];
			values[j] = value;
		}
		if (at <= j)
			last = j;
		else
			from = j + 1;
	}
	return values[at];
}

double rise_median(double *values, size_t count)
{
	size_t none = 0;
	size_t below = 0;
	double above;
	double largest;

	if (count == 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		none += values[i] == 0;
		below += values[i] < 0;
	}
	if (below == 0 && none > count / 2 + 1)
		return 0;
	above = place(values, count, count / 2);
	if (count % 2)
		return above;
	largest = values[0];
	for (size_t i = 1; i < count / 2; i++)
		largest = fmax(largest, values[i]);
	return (largest + above) / 2;
}

/* The median of |value − from| of sorted values: those below and above it are sorted, too. */
static double median_away(const double *sorted, size_t count, double from)
{
	size_t above = 0;
	size_t below;
	double last = 0;
	double before_last = 0;

	while (above < count && sorted[above] < from)
		above++;
	below = above;
	for (size_t taken = 0; taken <= count / 2 && taken < count; taken++) {
		before_last = last;
		if (below > 0
		    && (above == count || from - sorted[below - 1] <= sorted[above] - from))
			last = from - sorted[--below];
		else
			last = sorted[above++] - from;
	}
	return count % 2 ? last : (before_last + last) / 2;
}

static double away_from_zero(double x)
{
	return fabs(x) < TINY ? TINY : x;
}

/* The continued fraction of the incomplete beta function (Lentz). */
static double beta_fraction(double a, double b, double x)
{
	double c = 1;
	double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
	double h = d;

	for (int m = 1; m <= FRACTION_STEPS; m++) {
		double step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));

		d = 1 / away_from_zero(1 + step * d);
		c = away_from_zero(1 + step / c);
		h *= d * c;
		step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		d = 1 / away_from_zero(1 + step * d);
		c = away_from_zero(1 + step / c);
		h *= d * c;
		if (fabs(d * c - 1) < FRACTION_ENOUGH)
			break;
	}
	return h;
}

/* lgamma without the sign that it leaves to all threads; of what is asked for here it is +1. */
static double ln_gamma(double x)
{
	int sign;

	return lgamma_r(x, &sign);
}

/* Natural logarithm of the regularised incomplete beta function. */
static double ln_beta(double a, double b, double x)
{
	double ln_front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * log(x) + b * log1p(-x);

	if (x < (a + 1) / (a + b + 2))
		return ln_front - log(a) + log(away_from_zero(beta_fraction(a, b, x)));
	return log1p(-fmin(exp(ln_front) * beta_fraction(b, a, 1 - x) / b, 1 - 1e-15));
}

/* Size and probability of the negative binomial with this mean and variance. */
static void binomial_of(double mean, double variance, double *ret_size, double *ret_part)
{
	if (variance < mean * 1.001)
		variance = mean * 1.001;
	*ret_size = mean * mean / (variance - mean);
	*ret_part = mean / (*ret_size + mean);
}

double rise_upper_tail(double count, double mean, double variance)
{
	double size;
	double part;

	if (count <= 0)
		return 0;
	if (mean <= 0)
		return -INFINITY;
	binomial_of(mean, variance, &size, &part);
	return ln_beta(count, size, part);
}

double rise_lower_tail(double count, double mean, double variance)
{
	double size;
	double part;

	if (mean <= 0 || count < 0)
		return 0;
	binomial_of(mean, variance, &size, &part);
	return ln_beta(size, count + 1, 1 - part);
}

double rise_fisher(const double *ln_p, size_t count)
{
	double x = 0;
	double term = 0; /* ln of x^j / j! */
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		x -= ln_p[i] < 0 ? ln_p[i] : 0;
	if (count <= 1 || x <= 0)
		return -x;
	for (size_t j = 0; j < count; j++) {
		if (j > 0)
			term += log(x) - log((double)j);
		sum += exp(term);
	}
	return fmin(0, log(sum) - x);
}

/* The line's rates on the days; busy single days are held at the second largest. */
static double mean_of(const struct rise_line *line, const size_t *days, size_t count, bool packets,
    double *ret_total, double *ret_exposure)
{
	double total = 0;
	double exposure = 0;
	double most = 0;
	double second = 0;

	for (size_t i = 0; i < count; i++) {
		double c = line->count[days[i]];

		total += c;
		exposure += line->exposure[days[i]];
		if (c > most) {
			second = most;
			most = c;
		} else if (c > second) {
			second = c;
		}
	}
	*ret_total = total;
	*ret_exposure = exposure;
	if (packets)
		total -= most - second;
	return (total + PRIOR_COUNT) / (exposure + exposure / (double)count);
}

/* How each weekday compares with all days; false: there are not weeks enough to know, all are 1. */
static bool weekday_factors(const struct rise_line *line, const size_t *days, size_t count,
    int32_t first_day, double rate, double factors[7])
{
	for (size_t weekday = 0; weekday < 7; weekday++)
		factors[weekday] = 1;
	if (count < WEEKDAY_DAYS || rate * line->exposure[days[0]] < WEEKDAY_COUNT)
		return false;
	for (size_t weekday = 0; weekday < 7; weekday++) {
		double same[RISE_BASELINE_MAX];
		size_t n = 0;

		for (size_t i = 0; i < count; i++)
			if (((size_t)first_day + days[i]) % 7 == weekday)
				same[n++] = line->count[days[i]] / line->exposure[days[i]];
		if (n >= 4)
			factors[weekday] = fmin(2, fmax(0.5, rise_median(same, n) / rate));
	}
	return true;
}

/* Variance of the counts of the days around their mean, without the largest deviation. */
static double sample_variance(const struct rise_line *line, const size_t *days, size_t count,
    double rate, double exposure)
{
	double sum = 0;
	double most = 0;

	for (size_t i = 0; i < count; i++) {
		double e = line->exposure[days[i]];
		double d = (line->count[days[i]] - rate * e) * (exposure / e);

		sum += d * d;
		most = fmax(most, d * d);
	}
	return count > 2 ? (sum - most) / (double)(count - 2) : 0;
}

struct rise_base rise_base_of(const struct rise_rule *rule, const struct rise_line *line,
    const size_t *days, size_t count, size_t day, int32_t first_day, bool packets)
{
	struct rise_base base = {0};
	double values[RISE_BASELINE_MAX];
	double exposure;
	double mean;
	double rate;
	double spread;
	double variance;
	double factors[7];

	if (count == 0 || count > RISE_BASELINE_MAX || line->exposure[day] <= 0)
		return base;
	mean = mean_of(line, days, count, packets, &base.total, &exposure);
	for (size_t i = 0; i < count; i++)
		values[i] = line->count[days[i]] / line->exposure[days[i]];
	sort(values, count);
	rate = median_sorted(values, count);
	if (rate * line->exposure[day] < LOW_COUNT)
		rate = fmax(rate, mean);
	if (weekday_factors(line, days, count, first_day, rate, factors)) {
		for (size_t i = 0; i < count; i++)
			values[i] = fabs(line->count[days[i]] / line->exposure[days[i]]
			    - rate * factors[((size_t)first_day + days[i]) % 7]);
		spread = rise_median(values, count);
	} else {
		spread = median_away(values, count, rate);
	}
	spread = spread * MAD_TO_DEVIATION * line->exposure[day];
	rate *= factors[((size_t)first_day + day) % 7];
	base.days = (unsigned)count;
	base.mean = rate * line->exposure[day];
	variance = fmax(spread * spread, base.mean);
	variance = fmax(variance, rule->spread * base.mean * rule->spread * base.mean);
	if (base.mean < LOW_VARIANCE) {
		variance = fmax(variance, base.mean * (1 + (rule->dispersion - 1)
		        / (1 + base.mean / CLUMPS_UNTIL)));
		variance = fmax(variance,
		    sample_variance(line, days, count, rate, line->exposure[day]));
	}
	variance *= 1 + 1.5 / (double)count;
	if (count < rule->baseline_short)
		variance *= SHORT_FACTOR * SHORT_FACTOR;
	base.deviation = sqrt(variance);
	return base;
}
