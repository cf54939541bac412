/*
 * Series of one period, key by key, for the detector: counts and distinct sources per sensor and
 * day.
 *
 * Answers come ordered by key and are walked side by side; they may have more days than the period
 * looks at.  Ports have their rows together (rises_data.c).
 */
#include "report/rises_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An answer that is walked along with the keys. */
struct walk {
	const struct store_result *result;
	size_t at;
	bool sensors; /* has a column for the sensor */
	bool together; /* has one, and of its rows those of sensor 0: all sensors */
};

struct series {
	struct rises_work *w;
	bool numbers; /* keys are numbers: ports, bits of marks */
	size_t port;  /* of ports: the next one of the choice */
	struct walk packets;
	const struct rises_rest *rest;
	struct walk told; /* packets that a port's rise explains */
	struct walk told_sources;
	struct walk told_all;
	struct walk sources;
	struct walk all;
	struct walk victims;
	struct walk heavy;
	float *packet_counts;
	float *source_counts;
	float *union_counts;
	float *heavy_counts; /* of ports */
};

int rises_ask(struct rises_work *w, const char *question, const struct store_param *params,
    size_t count, struct store_result **ret_result, struct err *err)
{
	return gather_ask(&w->g, question, params, count, ret_result, err);
}

/* The key at hand: of ports and marks a number, else text. */
struct key {
	int64_t number;
	const char *text;
};

static struct key key_at(const struct series *s, const struct walk *walk)
{
	return (struct key){
		.number = s->numbers ? store_result_int(walk->result, walk->at, 0) : 0,
		.text = s->numbers ? "" : store_result_text(walk->result, walk->at, 0),
	};
}

static int compare(const struct series *s, const struct walk *walk, const struct key *key)
{
	struct key at = key_at(s, walk);

	if (s->numbers)
		return at.number < key->number ? -1 : at.number > key->number;
	return strcmp(at.text, key->text);
}

/* Where a row's count belongs, SIZE_MAX: nowhere (a sensor without coverage). */
static size_t place(const struct series *s, const struct walk *walk)
{
	const struct gather *g = &s->w->g;
	int64_t day = store_result_int(walk->result, walk->at, 1) - g->first;
	size_t sensor;

	if (day < 0 || day >= (int64_t)g->day_count)
		return SIZE_MAX;
	if (walk->together)
		return store_result_int(walk->result, walk->at, 2) == 0 ? (size_t)day : SIZE_MAX;
	if (!walk->sensors)
		return (size_t)day;
	sensor = gather_sensor_find(g, (uint16_t)store_result_int(walk->result, walk->at, 2));
	return sensor == SIZE_MAX ? SIZE_MAX : sensor * g->day_count + (size_t)day;
}

/*
 * Adds the rows of the key (sign −1: takes them away) and moves past them.  Is any of them of a day
 * that is looked at?
 */
static bool take(struct series *s, struct walk *walk, const struct key *key, float sign,
    float *counts)
{
	const struct gather *g = &s->w->g;
	size_t rows = store_result_rows(walk->result);
	size_t column = walk->sensors || walk->together ? 3 : 2;
	bool any = false;

	while (walk->at < rows && compare(s, walk, key) < 0)
		walk->at++;
	for (; walk->at < rows && compare(s, walk, key) == 0; walk->at++) {
		size_t at = place(s, walk);
		int64_t day = store_result_int(walk->result, walk->at, 1) - g->first;

		any = any || (day >= 0 && day < (int64_t)g->day_count);
		if (at == SIZE_MAX)
			continue;
		counts[at] += sign * (float)store_result_real(walk->result, walk->at, column);
		if (counts[at] < 0)
			counts[at] = 0;
	}
	return any;
}

static void clear(struct series *s)
{
	size_t cells = s->w->g.sensor_count * s->w->g.day_count;

	memset(s->packet_counts, 0, cells * sizeof(float));
	memset(s->source_counts, 0, cells * sizeof(float));
	memset(s->heavy_counts, 0, cells * sizeof(float));
	memset(s->union_counts, 0, s->w->g.day_count * sizeof(float));
}

/* Is the key one of those whose rest is judged? */
static bool is_suspect(const struct series *s, const struct key *key)
{
	const struct rises_found *of = s->rest ? s->rest->of : NULL;

	for (size_t i = 0; of && i < of->count; i++)
		if (rises_overlaps(s->w, &of->findings[i])
		    && strcmp(of->keys.texts[of->findings[i].id], key->text) == 0)
			return true;
	return !of;
}

/* Reads the next key with any packets into the arrays. */
static bool next_key(struct series *s, struct key *ret_key)
{
	while (s->packets.at < store_result_rows(s->packets.result)) {
		struct key key = key_at(s, &s->packets);

		clear(s);
		if (!take(s, &s->packets, &key, 1, s->packet_counts))
			continue;
		(void)take(s, &s->told, &key, -1, s->packet_counts);
		(void)take(s, &s->victims, &key, -1, s->packet_counts);
		*ret_key = key;
		/* Of marks, these answers have no other keys anyway. */
		if (!s->numbers && !is_suspect(s, &key))
			return true;
		(void)take(s, &s->sources, &key, 1, s->source_counts);
		(void)take(s, &s->told_sources, &key, -1, s->source_counts);
		(void)take(s, &s->all, &key, 1, s->union_counts);
		(void)take(s, &s->told_all, &key, -1, s->union_counts);
		return true;
	}
	return false;
}

static void read_cells(struct series *s, uint32_t port)
{
	const struct gather *g = &s->w->g;
	const struct rises_data *data = s->w->data;
	int64_t skip = g->first - data->first;

	for (size_t i = data->cells_from[port]; i < data->cells_from[port + 1]; i++) {
		const struct rises_cell *cell = &data->cells[i];
		size_t sensor = gather_sensor_find(g, cell->sensor);
		int64_t day = cell->day - skip;
		size_t at;

		if (sensor == SIZE_MAX || day < 0 || day >= (int64_t)g->day_count)
			continue;
		at = sensor * g->day_count + (size_t)day;
		s->packet_counts[at] += cell->count.packets;
		s->source_counts[at] += cell->count.sources;
	}
	for (size_t t = 0; t < g->day_count; t++)
		s->union_counts[t] = data->counts[port * data->days + (size_t)skip + t].sources;
}

/* The next chosen port; *ret_sure: it need not be looked at again. */
static bool next_port(struct series *s, struct key *ret_key, bool *ret_sure)
{
	const struct rises_choice *choice = &s->w->choice;
	uint32_t port;

	if (s->port >= choice->count)
		return false;
	port = choice->ports[s->port];
	*ret_sure = choice->sure[s->port++];
	*ret_key = (struct key){.number = s->w->data->keys[port], .text = ""};
	clear(s);
	read_cells(s, port);
	(void)take(s, &s->victims, ret_key, -1, s->packet_counts);
	(void)take(s, &s->heavy, ret_key, 1, s->heavy_counts);
	return true;
}

static int key_add(struct rises_keys *keys, enum rises_kind kind, const struct key *key)
{
	static const char *const marks[] = {"mirai", "zmap", "masscan", "synful"};
	char *text;
	int64_t number = key->number;

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
		(void)snprintf(text, 48, "%s", key->text);
	}
	keys->count++;
	return ST_OK;
}

static int judge(struct series *s, enum rises_kind kind, const struct key *key,
    struct rises_found *found)
{
	struct rise_series series = {
		.id = found->keys.count,
		.packets = s->packet_counts,
		.sources = s->source_counts,
		.union_sources = s->union_counts,
		.heavy = kind == RISES_PORT ? s->heavy_counts : NULL,
		.sparse = kind == RISES_PORT || kind == RISES_SIGNATURE,
	};
	int rc = key_add(&found->keys, kind, key);

	return rc ? rc : rise_detector_add(found->detector, &series);
}

/*
 * Of the chosen ports keeps the sure ones and those whose packets could be unusual at a sensor, and
 * asks for what their heavy days need.
 */
static int screen_ports(struct series *s, struct rises_found *found,
    struct store_result **ret_heavy, struct err *err)
{
	struct rises_heavy *heavy = rises_heavy_new(s->w);
	struct rises_choice *choice = &s->w->choice;
	size_t kept = 0;
	struct key key;
	bool sure;
	int rc;

	while (next_port(s, &key, &sure)) {
		struct rise_series packets = {.packets = s->packet_counts, .sparse = true};

		if (!sure && !rise_detector_screen(found->detector, &packets))
			continue;
		rises_heavy_note(heavy, (uint32_t)key.number, s->packet_counts);
		choice->ports[kept++] = choice->ports[s->port - 1];
	}
	choice->count = kept;
	rise_detector_pass(found->detector, choice->all - kept);
	rc = rises_heavy_ask(heavy, ret_heavy, err);
	free(heavy);
	s->heavy = (struct walk){.result = *ret_heavy, .sensors = true};
	s->victims.at = 0;
	s->port = 0;
	return rc;
}

static int judge_ports(struct series *s, struct rises_found *found, struct err *err)
{
	struct store_result *heavy = NULL;
	struct key key;
	bool sure;
	int rc = screen_ports(s, found, &heavy, err);

	while (!rc && next_port(s, &key, &sure))
		if (judge(s, RISES_PORT, &key, found))
			rc = err_set(err, ST_LIMIT, "out of memory");
	store_result_free(heavy);
	s->heavy.result = NULL;
	return rc;
}

static int judge_keys(struct series *s, enum rises_kind kind, struct rises_found *found,
    struct err *err)
{
	struct key key;

	while (next_key(s, &key)) {
		if (kind == RISES_COUNTRY && strcmp(key.text, "ZZ") == 0)
			continue;
		if (judge(s, kind, &key, found))
			return err_set(err, ST_LIMIT, "out of memory");
	}
	return ST_OK;
}

/*
 * What is asked about the suspects: packets that are told elsewhere, and sources.  Of countries,
 * those of which nothing is left, at each sensor and at all in one answer; whether a source has a
 * mark elsewhere as well no rollup knows, so of marks those that are left.
 */
struct rest {
	struct store_result *told;
	struct store_result *sources;
	struct store_result *all;
};

static void rest_fini(struct rest *rest)
{
	store_result_free(rest->told);
	store_result_free(rest->sources);
	store_result_free(rest->all);
}

static int ask_rest(struct rises_work *w, enum rises_kind kind, const struct rises_rest *of,
    struct rest *rest, struct err *err)
{
	const struct store_param params[] = {{.name = "from_day"}, {.name = "to_day"},
	    {.name = "explained", .kind = STORE_PARAM_SQL, .text = of->explained},
	    {.name = "suspects", .kind = STORE_PARAM_SQL, .text = of->suspects}};
	bool tool = kind == RISES_TOOL;
	int rc = rises_ask(w, tool ? "rises_tool_told" : "rises_country_told", params, 3,
	    &rest->told, err);

	if (!rc)
		rc = rises_ask(w, tool ? "rises_tool_rest_sources" : "rises_country_told_sources",
		    params, 4, &rest->sources, err);
	if (!rc && tool)
		rc = rises_ask(w, "rises_tool_rest_union", params, 4, &rest->all, err);
	return rc;
}

/* The answers to walk along, and what is to be taken from them. */
static int prepare(struct series *s, enum rises_kind kind, struct rest *rest, struct err *err)
{
	const struct rises_answers *answers;
	int rc = rises_data_answers(s->w->data, kind, &answers, err);
	bool left = s->rest && kind == RISES_TOOL;

	if (!rc && s->rest)
		rc = ask_rest(s->w, kind, s->rest, rest, err);
	if (rc)
		return rc;
	s->numbers = kind == RISES_PORT || kind == RISES_TOOL;
	s->packets = (struct walk){.result = answers->packets, .sensors = true};
	s->victims = (struct walk){.result = answers->victims, .sensors = true};
	s->told = (struct walk){.result = rest->told, .sensors = true};
	s->sources = (struct walk){.result = left ? rest->sources : answers->sources,
	    .sensors = true};
	s->all = (struct walk){.result = left ? rest->all : answers->all};
	s->told_sources = (struct walk){.result = left ? NULL : rest->sources, .sensors = true};
	s->told_all = (struct walk){.result = left ? NULL : rest->sources, .together = true};
	return ST_OK;
}

int rises_judge(struct rises_work *w, enum rises_kind kind, const struct rises_rest *of,
    struct rises_found *ret_found, struct err *err)
{
	size_t cells = w->g.sensor_count * w->g.day_count;
	struct series s = {
		.w = w,
		.rest = of,
		.packet_counts = calloc(cells + 1, sizeof(float)),
		.source_counts = calloc(cells + 1, sizeof(float)),
		.union_counts = calloc(w->g.day_count + 1, sizeof(float)),
		.heavy_counts = calloc(cells + 1, sizeof(float)),
	};
	struct rest rest = {0};
	int rc = s.packet_counts && s.source_counts && s.union_counts && s.heavy_counts ? ST_OK
	                                                                                : -ENOMEM;

	if (!rc)
		rc = rise_detector_new(&w->rule, &w->frame, &ret_found->detector);
	if (rc)
		rc = err_set(err, ST_LIMIT, "too many sensors or days, or out of memory");
	if (!rc)
		rc = prepare(&s, kind, &rest, err);
	if (!rc)
		rc = kind == RISES_PORT ? judge_ports(&s, ret_found, err)
		    : judge_keys(&s, kind, ret_found, err);
	if (!rc)
		rc = rise_detector_finish(ret_found->detector, &ret_found->findings,
		    &ret_found->count);
	rest_fini(&rest);
	free(s.packet_counts);
	free(s.source_counts);
	free(s.union_counts);
	free(s.heavy_counts);
	return rc;
}

void rises_found_fini(struct rises_found *found)
{
	rise_detector_free(found->detector);
	free(found->keys.texts);
	free(found->keys.ports);
}
