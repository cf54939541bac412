/*
 * Which ports are worth asking for their sources.
 *
 * Sources are counted from flow, which is large; packets per port and day are in a rollup.  So the
 * packets of all ports are looked at first: days far beyond those before them are asked for their
 * sources, and a port whose sources are no more than its ordinary days must have had is dropped.
 * Ports that crept up or fell, and the busiest (one sensor's burst may drown in them), are taken
 * whole.  Nothing is judged here: a port too many costs time only.
 */
#include "report/rises_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BACK 28
#define PAIRS_PER_PORT 3
#define PAIRS_MAX 8000     /* the clearest */
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
#define FALL_MEAN 15.0
#define FALL_DAYS 3
#define DAY_FACTOR 1024

_Static_assert(RISE_DAYS_MAX < DAY_FACTOR, "a pair's day must fit");

struct numbers {
	int64_t *items;
	size_t count;
	size_t cap;
};

struct busy {
	int64_t key;
	double mean;
};

/* A port's day that stood out. */
struct pair {
	int64_t key;
	size_t day;
	double z;
	double least; /* sources that are nothing */
	bool massive; /* whoever sent it: few sources may be enough */
};

struct choice {
	struct rises_work *w;
	bool observed[RISE_DAYS_MAX];
	double counts[RISE_DAYS_MAX]; /* of the port at hand */
	struct pair *pairs;
	size_t pair_count;
	size_t pair_cap;
	struct numbers chosen;
	struct busy busy[BUSY_MAX];
	size_t busy_count;
	uint64_t ports;
};

static int numbers_add(struct numbers *n, int64_t item)
{
	if (n->count == n->cap) {
		size_t cap = n->cap ? 2 * n->cap : 256;
		int64_t *items = realloc(n->items, cap * sizeof(*items));

		if (!items)
			return -ENOMEM;
		n->items = items;
		n->cap = cap;
	}
	n->items[n->count++] = item;
	return ST_OK;
}

static double spread(double mean)
{
	return sqrt(mean * (1 + 1 / (1 + mean / CLUMPS_UNTIL)));
}

/* Ordinary days so far: their newest, mean and standard deviation. */
struct usual {
	double days[BACK];
	size_t count;
	double mean;
	double deviation;
};

static void usual_add(struct usual *u, double count)
{
	double sum = 0;
	double squares = 0;

	u->days[u->count++ % BACK] = count;
	for (size_t i = 0; i < u->count && i < BACK; i++)
		sum += u->days[i];
	u->mean = sum / (double)(u->count < BACK ? u->count : BACK);
	for (size_t i = 0; i < u->count && i < BACK; i++)
		squares += (u->days[i] - u->mean) * (u->days[i] - u->mean);
	squares /= (double)(u->count < BACK ? u->count : BACK);
	u->deviation = fmax(spread(u->mean), sqrt(squares));
}

/* Has the last week crept above what was there before it? */
static bool has_crept(const struct usual *u)
{
	size_t have = u->count < BACK ? u->count : BACK;
	double last = 0;
	double before;
	double sum = 0;

	if (have < 2 * SLOW_DAYS)
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
	    && last > before + SLOW_Z * fmax(spread(before), u->deviation) / sqrt(SLOW_DAYS);
}

/*
 * Sources that a port's ordinary days must have had: a day with packets had one at least, and with
 * so many days without, not many more (of the half with fewer of them, so that a rise of weeks does
 * not hide itself).
 */
static double sources_usual(const struct choice *c, size_t days)
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

static int add_pairs(struct choice *c, const struct pair *pairs, size_t count, size_t days)
{
	double usual = sources_usual(c, days);

	if (c->pair_count + count > c->pair_cap) {
		size_t cap = c->pair_cap ? 2 * c->pair_cap : 1024;
		struct pair *more = realloc(c->pairs, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		c->pairs = more;
		c->pair_cap = cap;
	}
	for (size_t i = 0; i < count; i++) {
		struct pair *pair = &c->pairs[c->pair_count++];

		*pair = pairs[i];
		pair->least = pair->massive ? SOURCES_LEAST
		    : fmax(SOURCES_LEAST, usual + SOURCES_Z * spread(usual));
	}
	return ST_OK;
}

/* Keeps a port's clearest days. */
static void note_pair(struct pair *pairs, size_t *count, struct pair pair)
{
	size_t at = *count;

	if (at < PAIRS_PER_PORT) {
		(*count)++;
	} else {
		at = 0;
		for (size_t i = 1; i < PAIRS_PER_PORT; i++)
			if (pairs[i].z < pairs[at].z)
				at = i;
		if (pairs[at].z >= pair.z)
			return;
	}
	pairs[at] = pair;
}

static void add_busy(struct choice *c, int64_t key, double mean)
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
	c->busy[at] = (struct busy){key, mean};
}

static int look_at(struct choice *c, int64_t key)
{
	size_t days = c->w->g.day_count;
	struct usual usual = {0};
	struct pair pairs[PAIRS_PER_PORT];
	size_t pair_count = 0;
	unsigned low = 0;
	bool whole = false;

	c->ports++;
	for (size_t t = 0; t < days && !whole; t++) {
		double count = c->counts[t];
		bool known = usual.count >= c->w->rule.baseline_least;

		if (!c->observed[t])
			continue;
		if (known && count >= PACKETS_LEAST && count > BEYOND_RATIO * usual.mean
		    && count > usual.mean + BEYOND_Z * usual.deviation) {
			note_pair(pairs, &pair_count, (struct pair){.key = key, .day = t,
			    .massive = count >= MASSIVE && count >= MASSIVE_RATIO * usual.mean,
			    .z = (count - usual.mean) / spread(fmax(usual.mean, 0.1))});
			continue;
		}
		low = known && usual.mean >= FALL_MEAN
		    && count * c->w->rule.ratio_fall * 0.9 < usual.mean ? low + 1 : 0;
		if (low == 0)
			usual_add(&usual, count);
		whole = low >= FALL_DAYS || (low == 0 && has_crept(&usual));
	}
	if (whole)
		return numbers_add(&c->chosen, key);
	if (usual.mean >= BUSY_MEAN)
		add_busy(c, key, usual.mean);
	return pair_count > 0 ? add_pairs(c, pairs, pair_count, days) : ST_OK;
}

/* All ports, by packets of all sensors. */
static int look_at_all(struct choice *c, struct err *err)
{
	const struct store_param params[] = {
	    {.name = "target"}, {.name = "from_day"}, {.name = "to_day"}};
	struct store_result *result = NULL;
	size_t rows;
	int rc = rises_ask(c->w, "rises_port_days", params, 3, &result, err);

	if (rc)
		return rc;
	rows = store_result_rows(result);
	for (size_t row = 0; row < rows;) {
		int64_t key = store_result_int(result, row, 0);

		memset(c->counts, 0, sizeof(c->counts));
		for (; row < rows && store_result_int(result, row, 0) == key; row++) {
			int64_t day = store_result_int(result, row, 1) - c->w->g.first;

			if (day >= 0 && day < (int64_t)c->w->g.day_count)
				c->counts[day] = store_result_real(result, row, 2);
		}
		if (look_at(c, key)) {
			rc = err_set(err, ST_LIMIT, "out of memory");
			break;
		}
	}
	store_result_free(result);
	return rc;
}

static int compare_clearer(const void *va, const void *vb)
{
	const struct pair *a = va;
	const struct pair *b = vb;

	return a->z > b->z ? -1 : a->z < b->z;
}

static int compare_pairs(const void *va, const void *vb)
{
	const struct pair *a = va;
	const struct pair *b = vb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->day < b->day ? -1 : a->day > b->day;
}

static int ask_pairs(struct choice *c, struct store_result **ret_result, struct err *err)
{
	int64_t *names = calloc(c->pair_count, sizeof(*names));
	struct store_param params[] = {{.name = "target"}, {.name = "from_day"},
	    {.name = "to_day"}, {.name = "pairs", .kind = STORE_PARAM_INTS, .ints = names,
	        .int_count = c->pair_count}};
	int rc;

	if (!names)
		return err_set(err, ST_LIMIT, "out of memory");
	for (size_t i = 0; i < c->pair_count; i++)
		names[i] = c->pairs[i].key * DAY_FACTOR + (int64_t)c->pairs[i].day;
	rc = rises_ask(c->w, "rises_port_pairs", params, 4, ret_result, err);
	free(names);
	return rc;
}

/* Days that stood out: only with more sources than the port must have had anyway. */
static int choose_by_sources(struct choice *c, struct err *err)
{
	struct store_result *result = NULL;
	size_t at = 0;
	int rc;

	if (c->pair_count == 0)
		return ST_OK;
	qsort(c->pairs, c->pair_count, sizeof(*c->pairs), compare_clearer);
	if (c->pair_count > PAIRS_MAX)
		c->pair_count = PAIRS_MAX;
	qsort(c->pairs, c->pair_count, sizeof(*c->pairs), compare_pairs);
	rc = ask_pairs(c, &result, err);
	for (size_t row = 0; !rc && row < store_result_rows(result); row++) {
		int64_t key = store_result_int(result, row, 0);

		while (at < c->pair_count && c->pairs[at].key < key)
			at++;
		if (at < c->pair_count && c->pairs[at].key == key
		    && store_result_real(result, row, 1) >= c->pairs[at].least
		    && numbers_add(&c->chosen, key))
			rc = err_set(err, ST_LIMIT, "out of memory");
	}
	store_result_free(result);
	return rc;
}

static int compare(const void *va, const void *vb)
{
	int64_t a = *(const int64_t *)va;
	int64_t b = *(const int64_t *)vb;

	return a < b ? -1 : a > b;
}

int rises_choose_ports(struct rises_work *w, int64_t **ret_keys, size_t *ret_count,
    size_t *ret_sure, uint64_t *ret_ports, struct err *err)
{
	struct choice *c = calloc(1, sizeof(*c));
	size_t count = 0;
	int rc;

	if (!c)
		return err_set(err, ST_LIMIT, "out of memory");
	c->w = w;
	for (size_t i = 0; i < w->g.sensor_count; i++)
		for (size_t t = 0; t < w->g.day_count; t++)
			if (w->exposure[i * w->g.day_count + t] > 0)
				c->observed[t] = true;
	rc = look_at_all(c, err);
	if (!rc)
		rc = choose_by_sources(c, err);
	if (!rc && c->chosen.count > 0) {
		qsort(c->chosen.items, c->chosen.count, sizeof(int64_t), compare);
		for (size_t i = 0; i < c->chosen.count; i++)
			if (count == 0 || c->chosen.items[count - 1] != c->chosen.items[i])
				c->chosen.items[count++] = c->chosen.items[i];
		c->chosen.count = count;
	}
	for (size_t i = 0; !rc && i < c->busy_count; i++)
		if ((count == 0 || !bsearch(&c->busy[i].key, c->chosen.items, count,
		        sizeof(int64_t), compare)) && numbers_add(&c->chosen, c->busy[i].key))
			rc = err_set(err, ST_LIMIT, "out of memory");
	free(c->pairs);
	*ret_keys = c->chosen.items;
	*ret_count = c->chosen.count;
	*ret_sure = count;
	*ret_ports = c->ports;
	free(c);
	return rc;
}
