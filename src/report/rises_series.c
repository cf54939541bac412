/*
 * Series of a store, key by key, for the detector: counts and distinct sources per sensor and day.
 *
 * Results come ordered by key and are walked side by side.  Sources of ports are asked of flow,
 * which is large, so only of ports that rises_ports.c chose.
 */
#include "report/rises_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAVY_DAYS_MAX 2000
#define HEAVY_DAY_FACTOR 1024 /* as in the question */
_Static_assert(RISE_DAYS_MAX < HEAVY_DAY_FACTOR, "a day must fit");

/* A result that is walked along with the keys. */
struct walk {
	struct store_result *result;
	size_t at;
	bool sensors; /* has a column for the sensor */
};

struct series {
	struct rises_work *w;
	bool numbers; /* keys are numbers: ports, bits of marks */
	bool told;
	struct walk packets;
	struct walk sources;
	struct walk all;
	struct walk victims;
	struct walk heavy;
	float *packet_counts;
	float *source_counts;
	float *union_counts;
	float *heavy_counts;
};

int rises_ask(struct rises_work *w, const char *question, const struct store_param *params,
    size_t count, struct store_result **ret_result, struct err *err)
{
	return gather_ask(&w->g, question, params, count, ret_result, err);
}

static bool is_same_key(const struct series *s, const struct walk *walk, const struct walk *key,
    size_t row)
{
	if (walk->at >= store_result_rows(walk->result))
		return false;
	if (s->numbers)
		return store_result_int(walk->result, walk->at, 0)
		    == store_result_int(key->result, row, 0);
	return strcmp(store_result_text(walk->result, walk->at, 0),
	    store_result_text(key->result, row, 0)) == 0;
}

static bool is_before_key(const struct series *s, const struct walk *walk, const struct walk *key,
    size_t row)
{
	if (walk->at >= store_result_rows(walk->result))
		return false;
	if (s->numbers)
		return store_result_int(walk->result, walk->at, 0)
		    < store_result_int(key->result, row, 0);
	return strcmp(store_result_text(walk->result, walk->at, 0),
	    store_result_text(key->result, row, 0)) < 0;
}

/* Where a row's count belongs, SIZE_MAX: nowhere (a sensor without coverage). */
static size_t place(const struct series *s, const struct walk *walk)
{
	const struct gather *g = &s->w->g;
	int64_t day = store_result_int(walk->result, walk->at, 1) - g->first;
	size_t sensor;

	if (day < 0 || day >= (int64_t)g->day_count)
		return SIZE_MAX;
	if (!walk->sensors)
		return (size_t)day;
	sensor = gather_sensor_find(g, (uint16_t)store_result_int(walk->result, walk->at, 2));
	return sensor == SIZE_MAX ? SIZE_MAX : sensor * g->day_count + (size_t)day;
}

/* Adds the rows of the key (sign −1: takes them away) and moves past them. */
static void take(struct series *s, struct walk *walk, const struct walk *key, size_t row,
    float sign, float *counts)
{
	size_t column = walk->sensors ? 3 : 2;

	if (!walk->result)
		return;
	while (is_before_key(s, walk, key, row))
		walk->at++;
	for (; is_same_key(s, walk, key, row); walk->at++) {
		size_t at = place(s, walk);
		double count = store_result_real(walk->result, walk->at, column);

		if (at == SIZE_MAX)
			continue;
		if (s->told && walk == &s->packets)
			count -= store_result_real(walk->result, walk->at, column + 1);
		counts[at] += sign * (float)count;
		if (counts[at] < 0)
			counts[at] = 0;
	}
}

/* Reads the next key into the arrays; its first row is *ret_row. */
static bool next_key(struct series *s, size_t *ret_row)
{
	const struct gather *g = &s->w->g;
	size_t cells = g->sensor_count * g->day_count;
	struct walk key = s->packets;

	if (s->packets.at >= store_result_rows(s->packets.result))
		return false;
	*ret_row = s->packets.at;
	memset(s->packet_counts, 0, cells * sizeof(float));
	memset(s->source_counts, 0, cells * sizeof(float));
	memset(s->union_counts, 0, g->day_count * sizeof(float));
	take(s, &s->packets, &key, *ret_row, 1, s->packet_counts);
	take(s, &s->victims, &key, *ret_row, -1, s->packet_counts);
	take(s, &s->sources, &key, *ret_row, 1, s->source_counts);
	take(s, &s->all, &key, *ret_row, 1, s->union_counts);
	memset(s->heavy_counts, 0, cells * sizeof(float));
	take(s, &s->heavy, &key, *ret_row, 1, s->heavy_counts);
	return true;
}

static void series_fini(struct series *s)
{
	store_result_free(s->packets.result);
	store_result_free(s->sources.result);
	store_result_free(s->all.result);
	store_result_free(s->victims.result);
	store_result_free(s->heavy.result);
	free(s->packet_counts);
	free(s->heavy_counts);
	free(s->source_counts);
	free(s->union_counts);
}

static int compare_keys(const void *va, const void *vb)
{
	int64_t a = *(const int64_t *)va;
	int64_t b = *(const int64_t *)vb;

	return a < b ? -1 : a > b;
}

/*
 * Of the ports chosen: keeps the sure ones and those whose packets could be unusual at a sensor.
 * Ends sorted.
 */
static void screen_ports(struct series *s, struct rise_detector *detector, int64_t *keys,
    size_t *count, size_t sure)
{
	size_t kept = sure;
	size_t row;

	while (next_key(s, &row)) {
		struct rise_series series = {.packets = s->packet_counts, .sparse = true};
		int64_t key = store_result_int(s->packets.result, row, 0);

		if (bsearch(&key, keys, sure, sizeof(*keys), compare_keys)
		    || !rise_detector_screen(detector, &series))
			continue;
		if (kept < *count)
			keys[kept++] = key;
	}
	*count = kept;
	qsort(keys, kept, sizeof(*keys), compare_keys);
	s->packets.at = 0;
	s->victims.at = 0;
}

/* Days of the ports chosen on which a sensor had far more packets than on its others. */
static int heavy_days(struct series *s, int64_t **ret_pairs, int64_t **ret_ports, size_t *ret_count)
{
	const struct gather *g = &s->w->g;
	int64_t *pairs = calloc(HEAVY_DAYS_MAX, sizeof(*pairs));
	int64_t *ports = calloc(HEAVY_DAYS_MAX, sizeof(*ports));
	size_t count = 0;
	size_t row;

	*ret_pairs = pairs;
	*ret_ports = ports;
	while (pairs && ports && next_key(s, &row)) {
		int64_t key = store_result_int(s->packets.result, row, 0);

		for (size_t i = 0; i < g->sensor_count; i++) {
			const float *counts = &s->packet_counts[i * g->day_count];
			double sum = 0;

			for (size_t t = 0; t < g->day_count && count < HEAVY_DAYS_MAX; t++) {
				if (t > 0 && rise_heavy_possible(counts[t], sum / (double)t)) {
					pairs[count] = key * HEAVY_DAY_FACTOR + (int64_t)t;
					ports[count++] = key & 0xffff;
				} else {
					sum += counts[t];
				}
			}
		}
	}
	s->packets.at = 0;
	s->victims.at = 0;
	*ret_count = count;
	return pairs && ports ? ST_OK : -ENOMEM;
}

/* Few sources that repeat themselves: only of days that stand out, because flow is asked. */
static int ask_heavy(struct series *s, struct err *err)
{
	struct rises_work *w = s->w;
	struct buf least = {0};
	struct store_param params[] = {{.name = "target"}, {.name = "from_day"},
	    {.name = "to_day"}, {.name = "pairs", .kind = STORE_PARAM_INTS},
	    {.name = "ports", .kind = STORE_PARAM_INTS},
	    {.name = "least", .kind = STORE_PARAM_SQL}};
	int64_t *pairs;
	int64_t *ports;
	size_t count;
	int rc = heavy_days(s, &pairs, &ports, &count);

	if (rc)
		rc = err_set(err, ST_LIMIT, "out of memory");
	if (rc || count == 0)
		goto out;
	buf_puts(&least, "CASE sensor");
	for (size_t i = 0; i < w->g.sensor_count; i++)
		buf_printf(&least, " WHEN %u THEN %.0f", (unsigned)w->g.sensors[i].id,
		    rise_heavy_least(w->nominal[i]));
	buf_puts(&least, " ELSE 1 END");
	params[3].ints = pairs;
	params[3].int_count = count;
	params[4].ints = ports;
	params[4].int_count = count;
	params[5].text = buf_text(&least);
	rc = rises_ask(w, "rises_port_heavy", params, 6, &s->heavy.result, err);
out:
	buf_fini(&least);
	free(pairs);
	free(ports);
	return rc;
}

static int ask_ports(struct series *s, struct rise_detector *detector, struct err *err)
{
	struct rises_work *w = s->w;
	struct store_param params[] = {{.name = "target"}, {.name = "from_day"},
	    {.name = "to_day"}, {.name = "targets", .kind = STORE_PARAM_INTS}};
	const struct store_param victims[] = {{.name = "target"}, {.name = "from_day"},
	    {.name = "to_day"}, {.name = "few", .int_value = RISES_FEW_VICTIMS}};
	static const int64_t nothing[] = {-1};
	int64_t *keys = NULL;
	size_t count = 0;
	size_t sure = 0;
	uint64_t ports = 0;
	int rc = rises_choose_ports(w, &keys, &count, &sure, &ports, err);

	s->numbers = true;
	params[3].ints = count > 0 ? keys : nothing;
	params[3].int_count = count > 0 ? count : 1;
	if (!rc)
		rc = rises_ask(w, "rises_port_packets", params, 4, &s->packets.result, err);
	if (!rc)
		rc = rises_ask(w, "rises_port_victims", victims, 4, &s->victims.result, err);
	if (!rc && count > 0) {
		screen_ports(s, detector, keys, &count, sure);
		params[3].int_count = count;
	}
	rise_detector_pass(detector, ports > count ? ports - count : 0);
	if (!rc && count > 0)
		rc = ask_heavy(s, err);
	if (!rc && count > 0)
		rc = rises_ask(w, "rises_port_sources", params, 4, &s->sources.result, err);
	if (!rc && count > 0)
		rc = rises_ask(w, "rises_port_union", params, 4, &s->all.result, err);
	free(keys);
	return rc;
}

static int ask_others(struct series *s, enum rises_kind kind, const char *explained,
    const char *suspects, struct err *err)
{
	struct store_param params[4] = {{.name = "from_day"}, {.name = "to_day"}};
	const struct store_param rest[4] = {{.name = "from_day"}, {.name = "to_day"},
	    {.name = "explained", .kind = STORE_PARAM_SQL, .text = explained},
	    {.name = "suspects", .kind = STORE_PARAM_SQL, .text = suspects}};
	const char *which = suspects ? "_rest" : "";
	char question[64];
	size_t count = 2;
	int rc;

	s->numbers = kind == RISES_TOOL;
	if (kind == RISES_COUNTRY || kind == RISES_TOOL)
		params[count++] = (struct store_param){.name = "explained",
		    .kind = STORE_PARAM_SQL, .text = explained};
	(void)snprintf(question, sizeof(question), "rises_%s_packets", rises_kind_name(kind));
	rc = rises_ask(s->w, question, params, count, &s->packets.result, err);
	(void)snprintf(question, sizeof(question), "rises_%s%s_sources", rises_kind_name(kind),
	    which);
	if (!rc)
		rc = rises_ask(s->w, question, suspects ? rest : params, suspects ? 4 : 2,
		    &s->sources.result, err);
	(void)snprintf(question, sizeof(question), "rises_%s%s_union", rises_kind_name(kind),
	    which);
	if (!rc)
		rc = rises_ask(s->w, question, suspects ? rest : params, suspects ? 4 : 2,
		    &s->all.result, err);
	if (!rc && kind == RISES_COUNTRY) {
		params[2] = (struct store_param){.name = "target"};
		params[3] = (struct store_param){.name = "few", .int_value = RISES_FEW_VICTIMS};
		rc = rises_ask(s->w, "rises_country_victims", params, 4, &s->victims.result, err);
	}
	return rc;
}

static int key_add(struct rises_keys *keys, const struct series *s, enum rises_kind kind,
    size_t row)
{
	static const char *const marks[] = {"mirai", "zmap", "masscan", "synful"};
	char *text;
	int64_t number = store_result_int(s->packets.result, row, 0);

	if (keys->count == keys->cap) {
		size_t cap = keys->cap ? 2 * keys->cap : 64;
		void *texts = realloc(keys->texts, cap * sizeof(*keys->texts));
		uint32_t *ports = texts ? realloc(keys->ports, cap * sizeof(*ports)) : NULL;

		if (texts)
			keys->texts = texts;
		if (!ports)
			return -ENOMEM;
		keys->ports = ports;
		keys->cap = cap;
	}
	text = keys->texts[keys->count];
	keys->ports[keys->count] = 0;
	if (kind == RISES_PORT) {
		static const char *const names[] = {
		    [1] = "icmp", [6] = "tcp", [17] = "udp", [58] = "icmpv6"};
		uint32_t proto = (uint32_t)number >> 16;

		keys->ports[keys->count] = (uint32_t)number;
		if (proto < sizeof(names) / sizeof(names[0]) && names[proto])
			(void)snprintf(text, 48, "%u/%s", (unsigned)number & 0xffff, names[proto]);
		else
			(void)snprintf(text, 48, "%u/%u", (unsigned)number & 0xffff, proto);
	} else if (kind == RISES_TOOL) {
		(void)snprintf(text, 48, "%s", marks[__builtin_ctzll((uint64_t)number | 8) & 3]);
	} else {
		(void)snprintf(text, 48, "%s", store_result_text(s->packets.result, row, 0));
	}
	keys->count++;
	return ST_OK;
}

/* Every key to the detector.  Of ports, only those whose sources were asked. */
static int judge_all(struct series *s, enum rises_kind kind, struct rises_found *found)
{
	size_t row;

	while (next_key(s, &row)) {
		struct rise_series series = {
			.id = found->keys.count,
			.packets = s->packet_counts,
			.sources = s->source_counts,
			.union_sources = s->union_counts,
			.heavy = kind == RISES_PORT ? s->heavy_counts : NULL,
			.sparse = kind == RISES_PORT || kind == RISES_SIGNATURE,
		};
		bool known = kind != RISES_PORT && !s->told;
		int rc;

		for (size_t t = 0; t < s->w->g.day_count && !known; t++)
			known = s->union_counts[t] > 0;
		if (!known || (kind == RISES_COUNTRY
		    && strcmp(store_result_text(s->packets.result, row, 0), "ZZ") == 0))
			continue;
		rc = key_add(&found->keys, s, kind, row);
		if (!rc)
			rc = rise_detector_add(found->detector, &series);
		if (rc)
			return rc;
	}
	return rise_detector_finish(found->detector, &found->findings, &found->count);
}

int rises_judge(struct rises_work *w, enum rises_kind kind, const char *explained,
    const char *suspects, struct rises_found *ret_found, struct err *err)
{
	size_t cells = w->g.sensor_count * w->g.day_count;
	struct series s = {
		.w = w,
		.told = suspects,
		.packets = {.sensors = true},
		.sources = {.sensors = true},
		.victims = {.sensors = true},
		.heavy = {.sensors = true},
		.packet_counts = calloc(cells + 1, sizeof(float)),
		.source_counts = calloc(cells + 1, sizeof(float)),
		.heavy_counts = calloc(cells + 1, sizeof(float)),
		.union_counts = calloc(w->g.day_count + 1, sizeof(float)),
	};
	int rc = s.packet_counts && s.source_counts && s.union_counts && s.heavy_counts ? ST_OK : -ENOMEM;

	if (!rc)
		rc = rise_detector_new(&w->rule, &w->frame, &ret_found->detector);
	if (rc)
		rc = err_set(err, ST_LIMIT, "too many sensors or days, or out of memory");
	if (!rc)
		rc = kind == RISES_PORT ? ask_ports(&s, ret_found->detector, err)
		    : ask_others(&s, kind, explained, suspects, err);
	if (!rc && judge_all(&s, kind, ret_found))
		rc = err_set(err, ST_LIMIT, "out of memory");
	series_fini(&s);
	return rc;
}

void rises_found_fini(struct rises_found *found)
{
	rise_detector_free(found->detector);
	free(found->keys.texts);
	free(found->keys.ports);
}
