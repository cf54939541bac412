/*
 * Which ports are worth judging sensor by sensor.
 *
 * Most ports have a few packets a day, and judging all of them would be most of the work.  So a
 * port is looked at over all sensors first: days far beyond those before them with more sources
 * than its ordinary days must have had, a week that crept up, a fall.  The busiest are taken as
 * well (one sensor's burst may drown in them).  Nothing is judged here: a port too many costs time
 * only.
 */
#include "report/rises_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BACK 28
#define BUSY_MAX 300
#define BUSY_MEAN 20.0
#define BEYOND_Z 2.2
#define BEYOND_RATIO 1.2
#define PACKETS_LEAST 5.0
#define SOURCES_LEAST 3.0
#define SOURCES_Z 4.0
#define MASSIVE 100.0    /* packets of a day: perhaps a few sources that repeat themselves */
#define MASSIVE_RATIO 20.0
#define CLUMPS_UNTIL 5.0 /* as the detector: low counts vary by twice their mean */
#define SLOW_DAYS 7
#define SLOW_Z 3.5
#define SLOW_RATIO 1.3
#define SLOW_SURELY 0.999 /* of it: not worth the exact sums */
#define FALL_MEAN 15.0
#define FALL_DAYS 3

struct busy {
	uint32_t port;
	double mean;
};

struct chooser {
	struct rises_work *w;
	bool observed[RISE_DAYS_MAX];
	double counts[RISE_DAYS_MAX]; /* packets of the port at hand */
	double sources[RISE_DAYS_MAX];
	struct busy busy[BUSY_MAX];
	size_t busy_count;
	uint8_t *chosen; /* [ports] enum how */
};

enum how {
	HOW_NOT,
	HOW_BUSY,
	HOW_SURE,
};

static double spread(double mean)
{
	return sqrt(mean * (1 + 1 / (1 + mean / CLUMPS_UNTIL)));
}

/* Ordinary days so far: their newest and mean.  Sums of whole numbers are exact in any order. */
struct usual {
	double days[BACK];
	size_t count;
	double sum;
	double sum_week; /* of the newest SLOW_DAYS */
	double mean;
};

static void usual_add(struct usual *u, double count)
{
	size_t at = u->count % BACK;

	u->sum += count - (u->count >= BACK ? u->days[at] : 0);
	u->sum_week += count
	    - (u->count >= SLOW_DAYS ? u->days[(u->count - SLOW_DAYS) % BACK] : 0);
	u->days[at] = count;
	u->count++;
	u->mean = u->sum / (double)(u->count < BACK ? u->count : BACK);
}

/* Few days are far enough from the mean for it to matter. */
static double usual_deviation(const struct usual *u)
{
	size_t have = u->count < BACK ? u->count : BACK;
	double squares = 0;

	for (size_t i = 0; i < have; i++)
		squares += (u->days[i] - u->mean) * (u->days[i] - u->mean);
	return have ? fmax(spread(u->mean), sqrt(squares / (double)have)) : 0;
}

/* Has the last week crept above what was there before it? */
static bool has_crept(const struct usual *u)
{
	size_t have = u->count < BACK ? u->count : BACK;
	double last = 0;
	double before;
	double sum = 0;

	if (have < 2 * SLOW_DAYS || u->sum_week / SLOW_DAYS
	    <= SLOW_SURELY * SLOW_RATIO * (u->sum - u->sum_week) / (double)(have - SLOW_DAYS))
		return false;
	for (size_t i = 0; i < have; i++) {
		double count = u->days[(u->count - 1 - i) % BACK];

		if (i < SLOW_DAYS)
			last += count / SLOW_DAYS;
		else
			sum += count;
	}
	before = sum / (double)(have - SLOW_DAYS);
	return last > SLOW_RATIO * before
	    && last > before + SLOW_Z * fmax(spread(before), usual_deviation(u)) / sqrt(SLOW_DAYS);
}

/*
 * Sources that a port's ordinary days must have had: a day with packets had one at least, and with
 * so many days without, not many more (of the half with fewer of them, so that a rise of weeks does
 * not hide itself).
 */
static double sources_usual(const struct chooser *c, size_t days)
{
	double least = INFINITY;

	for (size_t half = 0; half < 2; half++) {
		double seen = 0;
		double all = 0.5;

		for (size_t t = half * (days / 2); t < (half ? days : days / 2); t++) {
			all += c->observed[t];
			seen += c->counts[t] > 0;
		}
		least = fmin(least, -log1p(-fmin(seen / all, 1 - 0.5 / all)));
	}
	return isfinite(least) ? least : 0;
}

/* Sources that are nothing on a day with so many packets. */
static double sources_least(double usual, double count, double mean)
{
	if (count >= MASSIVE && count >= MASSIVE_RATIO * mean)
		return SOURCES_LEAST; /* whoever sent it: few may be enough */
	return fmax(SOURCES_LEAST, usual + SOURCES_Z * spread(usual));
}

static void add_busy(struct chooser *c, uint32_t port, double mean)
{
	size_t at = c->busy_count;

	if (at < BUSY_MAX) {
		c->busy_count++;
	} else {
		at = 0;
		for (size_t i = 1; i < BUSY_MAX; i++)
			if (c->busy[i].mean < c->busy[at].mean)
				at = i;
		if (c->busy[at].mean >= mean)
			return;
	}
	c->busy[at] = (struct busy){port, mean};
}

/* Is the port sure to be worth asking?  If not, ret_mean is what is usual. */
static bool look_at(const struct chooser *c, double *ret_mean)
{
	const struct rise_rule *rule = &c->w->rule;
	size_t days = c->w->g.day_count;
	double usual_sources = -1;
	struct usual usual = {0};
	unsigned low = 0;

	for (size_t t = 0; t < days; t++) {
		double count = c->counts[t];
		bool known = usual.count >= rule->baseline_least;

		if (!c->observed[t])
			continue;
		if (known && count >= PACKETS_LEAST && count > BEYOND_RATIO * usual.mean
		    && count > usual.mean + BEYOND_Z * usual_deviation(&usual)) {
			if (usual_sources < 0)
				usual_sources = sources_usual(c, days);
			if (c->sources[t] >= sources_least(usual_sources, count, usual.mean))
				return true;
			continue;
		}
		low = known && usual.mean >= FALL_MEAN
		    && count * rule->ratio_fall * 0.9 < usual.mean ? low + 1 : 0;
		if (low == 0)
			usual_add(&usual, count);
		if (low >= FALL_DAYS || (low == 0 && has_crept(&usual)))
			return true;
	}
	*ret_mean = usual.mean;
	return false;
}

static void look_at_all(struct chooser *c)
{
	const struct rises_data *data = c->w->data;
	size_t skip = (size_t)(c->w->g.first - data->first);

	for (size_t i = 0; i < data->ports; i++) {
		uint32_t port = data->order[i];
		const struct rises_count *counts = &data->counts[port * data->days + skip];
		bool any = false;
		double mean;

		for (size_t t = 0; t < c->w->g.day_count; t++) {
			c->counts[t] = counts[t].packets;
			c->sources[t] = counts[t].sources;
			any = any || counts[t].packets > 0;
		}
		c->w->choice.all += any;
		if (!any)
			continue;
		if (look_at(c, &mean))
			c->chosen[port] = HOW_SURE;
		else if (mean >= BUSY_MEAN)
			add_busy(c, port, mean);
	}
	for (size_t i = 0; i < c->busy_count; i++)
		c->chosen[c->busy[i].port] = HOW_BUSY;
}

int rises_choose_ports(struct rises_work *w, struct err *err)
{
	struct rises_choice *choice = &w->choice;
	struct chooser *c = calloc(1, sizeof(*c));
	size_t ports = w->data->ports;

	choice->ports = calloc(ports + 1, sizeof(*choice->ports));
	choice->sure = calloc(ports + 1, sizeof(*choice->sure));
	if (c)
		c->chosen = calloc(ports + 1, sizeof(*c->chosen));
	if (!c || !c->chosen || !choice->ports || !choice->sure) {
		if (c)
			free(c->chosen);
		free(c);
		return err_set(err, ST_LIMIT, "out of memory");
	}
	c->w = w;
	for (size_t i = 0; i < w->g.sensor_count; i++)
		for (size_t t = 0; t < w->g.day_count; t++)
			if (w->exposure[i * w->g.day_count + t] > 0)
				c->observed[t] = true;
	look_at_all(c);
	for (size_t i = 0; i < ports; i++) {
		uint32_t port = w->data->order[i];

		if (c->chosen[port] == HOW_NOT)
			continue;
		choice->sure[choice->count] = c->chosen[port] == HOW_SURE;
		choice->ports[choice->count++] = port;
	}
	free(c->chosen);
	free(c);
	return ST_OK;
}
