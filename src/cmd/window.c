/*
 * The window a question looks through; the contract is in window.h.
 *
 * Observed time is the union of a sensor's coverage intervals and comes from coverage only: a
 * minute nobody observed is not a minute without packets.
 */
#include "cmd/window.h"

#include "cmd/judging.h"

#include "base/civil.h"
#include "os/file.h"
#include "os/sandbox.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LAST_DEFAULT "7d"
#define LAST_DAYS_MAX 36500
#define LAST_DAY_LEAST_US (60 * CIVIL_US_PER_MINUTE)

static const char *const basis_names[REPORT_BASIS_COUNT] = {
    [REPORT_BASIS_ADDRESS] = "address",
    [REPORT_BASIS_SENSOR_MEAN] = "sensor-mean",
    [REPORT_BASIS_TOTAL] = "total",
};

static const char *const basis_ja[REPORT_BASIS_COUNT] = {
    [REPORT_BASIS_ADDRESS] = "アドレス当たり",
    [REPORT_BASIS_SENSOR_MEAN] = "センサー平均",
    [REPORT_BASIS_TOTAL] = "総数",
};

/* ---- options -------------------------------------------------------------------------------- */

bool window_option(
    const struct command *self, struct window_options *options, int option, const char *value)
{
	switch ((enum window_option)option) {
	case WINDOW_STORE:
		options->store = value;
		return true;
	case WINDOW_LAST:
		options->last = value;
		return true;
	case WINDOW_FROM:
		options->from = value;
		return true;
	case WINDOW_TO:
		options->to = value;
		return true;
	case WINDOW_PERIOD:
		options->period = value;
		return true;
	case WINDOW_BASIS:
		for (int b = 0; b < REPORT_BASIS_COUNT; b++) {
			if (strcmp(value, basis_names[b]) == 0) {
				options->basis = (enum report_basis)b;
				options->basis_given = true;
				return true;
			}
		}
		command_error(self, "--basis %s: address, sensor-mean or total", value);
		return false;
	case WINDOW_OPTION_COUNT:
		break;
	}
	return false;
}

int window_options_only(const struct command *self, struct command_common *common,
    struct window_options *options, int argc, char **argv)
{
	static const char *const names[] = {WINDOW_OPTIONS, NULL};
	const char *value;
	int index = 0;
	int option;

	while ((option = command_option(self, common, argc, argv, &index, names, &value)) >= 0)
		if (!window_option(self, options, option, value))
			return COMMAND_USAGE;
	if (option == COMMAND_OPTION_BAD)
		return COMMAND_USAGE;
	if (index < argc) {
		command_error(self, "'%s': there is nothing to name (teiten %s -h)", argv[index],
		    self->name);
		return COMMAND_USAGE;
	}
	return COMMAND_OK;
}

/* "7d" or "4w" → days; 0 when it is neither. */
static int32_t parse_last(const char *text)
{
	int32_t value = 0;
	size_t i = 0;

	for (; text[i] >= '0' && text[i] <= '9'; i++) {
		value = value * 10 + (text[i] - '0');
		if (value > LAST_DAYS_MAX)
			return 0;
	}
	if (i == 0 || !text[i] || text[i + 1])
		return 0;
	if (text[i] == 'w')
		value *= 7;
	else if (text[i] != 'd')
		return 0;
	return value > LAST_DAYS_MAX ? 0 : value;
}

static bool parse_day(
    const struct command *self, const char *option, const char *text, int32_t *ret_day)
{
	if (civil_parse_date(text, strlen(text), ret_day) == 0)
		return true;
	command_error(self, "%s %s: a day such as 2026-10-01", option, text);
	return false;
}

/*
 * The day --last counts back from.  Captures rarely end at midnight: a newest day with a few
 * moments is the tail of the one before, not a day to compare.
 */
static int32_t newest_day(struct window *w, int32_t first, int32_t last)
{
	const struct store_param since = {.name = "since",
	    .kind = STORE_PARAM_TIME,
	    .int_value = zone_day_start(store_zone(w->store), last)};
	struct store_result *result;
	int64_t observed;

	if (last == first ||
	    store_ask(w->store, "cmd_last_day", &since, 1, last, last + 1, &result, NULL) < 0)
		return last;
	observed = store_result_int(result, 0, 1) - store_result_int(result, 0, 0);
	store_result_free(result);
	return observed < LAST_DAY_LEAST_US ? last - 1 : last;
}

static int resolve_period(
    const struct command *self, const struct window_options *options, struct window *w)
{
	const struct config *config = command_configuration();
	int32_t first;
	int32_t last;
	struct err err = {0};
	int given = (options->last != NULL) + (options->period != NULL) +
	            (options->from != NULL || options->to != NULL);
	int r;

	if (given > 1) {
		command_error(self, "one of --last, --period, and --from with --to");
		return COMMAND_USAGE;
	}
	r = store_days(w->store, &first, &last, &err);
	if (r == ST_NOT_FOUND) {
		command_error(
		    self, "the store is empty (teiten analyze -r FILE -s STORE fills it)");
		return COMMAND_NOT_FOUND;
	}
	if (r < 0) {
		command_error(self, "%s", err.text);
		return COMMAND_FAILED;
	}
	if (options->period) {
		if (report_period_parse(options->period, REPORT_PERIOD_DAYS,
		        config->report.week_start, last, &w->now, &err) < 0) {
			command_error(self, "--period %s: %s", options->period, err.text);
			return COMMAND_USAGE;
		}
		return COMMAND_OK;
	}
	w->now = (struct report_period){.kind = REPORT_PERIOD_DAYS, .from = first, .to = last + 1};
	if (options->from || options->to) {
		if (options->from && !parse_day(self, "--from", options->from, &w->now.from))
			return COMMAND_USAGE;
		if (options->to) {
			if (!parse_day(self, "--to", options->to, &w->now.to))
				return COMMAND_USAGE;
			w->now.to++;
		}
		if (w->now.from >= w->now.to) {
			command_error(self, "--from comes after --to");
			return COMMAND_USAGE;
		}
	} else {
		int32_t days = parse_last(options->last ? options->last : LAST_DEFAULT);

		if (days == 0) {
			command_error(
			    self, "--last %s: days or weeks such as 7d, 4w", options->last);
			return COMMAND_USAGE;
		}
		w->now.to = newest_day(w, first, last) + 1;
		w->now.from = w->now.to - days;
	}
	return COMMAND_OK;
}

/* ---- sensors -------------------------------------------------------------------------------- */

size_t window_sensor_find(const struct window *w, uint16_t id)
{
	for (size_t i = 0; i < w->sensor_count; i++)
		if (w->sensors[i].id == id)
			return i;
	return SIZE_MAX;
}

static struct window_sensor *sensor_add(struct window *w, uint16_t id)
{
	struct window_sensor *s;

	w->sensors = command_need(realloc(w->sensors, (w->sensor_count + 1) * sizeof(*w->sensors)));
	s = &w->sensors[w->sensor_count++];
	memset(s, 0, sizeof(*s));
	s->id = id;
	(void)snprintf(s->name, sizeof(s->name), "sensor-%u", (unsigned)id);
	return s;
}

static int load_spans(struct window *w, struct err *err)
{
	static const struct store_param params[] = {{.name = "from"}, {.name = "to"}};
	struct store_result *result;
	struct window_sensor *s = NULL;
	int r = window_ask(w, "cmd_coverage", params, 2, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		uint16_t id = (uint16_t)store_result_int(result, i, 0);
		int64_t addresses = store_result_int(result, i, 3);

		/* Rows come sorted by sensor. */
		if (!s || s->id != id)
			s = sensor_add(w, id);
		if (s->span_count == s->span_cap) {
			s->span_cap = s->span_cap ? s->span_cap * 2 : 64;
			s->spans = command_need(realloc(s->spans, s->span_cap * sizeof(*s->spans)));
		}
		s->spans[s->span_count++] = (struct report_span){
		    .from = store_result_int(result, i, 1),
		    .to = store_result_int(result, i, 2),
		    .addresses = addresses > 0 ? (uint32_t)addresses : 1,
		};
	}
	store_result_free(result);
	return ST_OK;
}

static int load_names(struct window *w, struct err *err)
{
	struct store_result *result;
	int r = window_ask(w, "cmd_sensors", NULL, 0, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		size_t at = window_sensor_find(w, (uint16_t)store_result_int(result, i, 0));
		struct window_sensor *s = at == SIZE_MAX ? NULL : &w->sensors[at];

		if (!s)
			continue;
		/* Later rows of a sensor are newer. */
		if (store_result_text(result, i, 1)[0])
			(void)snprintf(
			    s->name, sizeof(s->name), "%s", store_result_text(result, i, 1));
		(void)snprintf(
		    s->country, sizeof(s->country), "%.2s", store_result_text(result, i, 2));
		(void)snprintf(s->kind, sizeof(s->kind), "%s", store_result_text(result, i, 3));
	}
	store_result_free(result);
	return ST_OK;
}

static void weigh(struct window *w)
{
	struct report_observed *now = command_need(calloc(w->sensor_count + 1, sizeof(*now)));
	struct report_observed *before = command_need(calloc(w->sensor_count + 1, sizeof(*before)));
	double address_days = 0;
	double days = 0;
	double nominal;

	w->panel = command_need(calloc(w->sensor_count + 1, sizeof(*w->panel)));
	w->weights = command_need(calloc(w->sensor_count + 1, sizeof(*w->weights)));
	for (size_t i = 0; i < w->sensor_count; i++) {
		struct window_sensor *s = &w->sensors[i];

		s->before = report_observed_union(s->spans, s->span_count, w->from_us, w->now_us);
		s->now = report_observed_union(s->spans, s->span_count, w->now_us, w->to_us);
		now[i] = s->now;
		before[i] = s->before;
		w->panel[i] = s->now.days > 0 && s->before.days > 0;
		w->panel_count += w->panel[i];
		w->sensors_now += s->now.days > 0;
		address_days += s->now.address_days;
		days += s->now.days;
	}
	report_weights(w->basis, now, before, w->panel, w->sensor_count, w->weights);
	nominal = (double)(w->to_us - w->now_us) / (double)CIVIL_US_PER_DAY;
	w->addresses = nominal > 0 ? address_days / nominal : 0;
	w->coverage =
	    w->sensors_now > 0 && nominal > 0 ? days / (nominal * (double)w->sensors_now) : 0;
	free(now);
	free(before);
}

/* ---- opening -------------------------------------------------------------------------------- */

static void set_target(struct window *w)
{
	if (command_configuration()->report.icmp == CONFIG_ICMP_ONE_ROW)
		buf_puts(&w->target, "CASE WHEN proto = 1 OR proto = 58 THEN proto * 65536 "
		                     "ELSE proto * 65536 + port END");
	else
		buf_puts(&w->target, "(proto * 65536 + port)");
}

int window_open_store(
    const struct command *self, const struct window_options *options, struct window *w)
{
	const char *path = options->store ? options->store : command_configuration()->store.path;
	const char *read_paths[] = {path, options->read_path};
	struct store_options open = {.path = path, .mode = STORE_READ};
	struct err err = {0};
	int r;

	memset(w, 0, sizeof(*w));
	set_target(w);
	if (judging_options(&open, &err) != ST_OK) {
		command_error(self, "%s", err.text);
		return COMMAND_FAILED;
	}
	/* What the store holds was written by others: from here on only it can be read. */
	r = os_sandbox_reader(read_paths, options->read_path ? 2 : 1, &options->write_path,
	    options->write_path ? 1 : 0, NULL, &err);
	if (r == ST_OK)
		r = store_open(&open, &w->store, &err);
	if (r == ST_OK)
		return COMMAND_OK;
	command_error(self, "%s%s", err.text,
	    r == ST_NOT_FOUND || r == -ENOENT
	        ? " (-s STORE says where it is; teiten analyze -r FILE -s STORE makes one)"
	        : "");
	return COMMAND_FAILED;
}

int window_open(const struct command *self, const struct window_options *options, struct window *w)
{
	struct err err = {0};
	struct zone *zone;
	int r = window_open_store(self, options, w);

	if (r != COMMAND_OK)
		return r;
	w->basis = options->basis_given ? options->basis
	                                : (enum report_basis)command_configuration()->report.basis;
	r = resolve_period(self, options, w);
	if (r != COMMAND_OK)
		return r;
	zone = store_zone(w->store);
	w->before = report_period_previous(&w->now);
	w->from_us = zone_day_start(zone, w->before.from);
	w->now_us = zone_day_start(zone, w->now.from);
	w->to_us = zone_day_start(zone, w->now.to);
	if (load_spans(w, &err) < 0 || load_names(w, &err) < 0) {
		command_error(self, "%s", err.text);
		return COMMAND_FAILED;
	}
	weigh(w);
	if (w->sensors_now == 0) {
		char from[CIVIL_DATE_TEXT_MAX];
		char to[CIVIL_DATE_TEXT_MAX];

		command_error(self, "nothing was observed from %s to %s",
		    civil_format_date(w->now.from, from), civil_format_date(w->now.to - 1, to));
		window_say_held(self, w->store);
		return COMMAND_NOT_FOUND;
	}
	return COMMAND_OK;
}

void window_say_held(const struct command *self, struct store *store)
{
	char from[CIVIL_DATE_TEXT_MAX];
	char to[CIVIL_DATE_TEXT_MAX];
	int32_t first = 0;
	int32_t last = 0;
	struct err err = {0};

	if (store_days(store, &first, &last, &err) == ST_OK)
		command_error(self, "the store holds %s to %s", civil_format_date(first, from),
		    civil_format_date(last, to));
}

void window_close(struct window *w)
{
	for (size_t i = 0; i < w->sensor_count; i++)
		free(w->sensors[i].spans);
	free(w->sensors);
	free(w->panel);
	free(w->weights);
	buf_fini(&w->target);
	store_close(w->store);
	memset(w, 0, sizeof(*w));
}

/* ---- asking --------------------------------------------------------------------------------- */

static void fill_param(const struct window *w, struct store_param *p)
{
	static const struct {
		const char *name;
		enum { MOMENT, DAY } kind;
		int which;
	} known[] = {
	    {"from", MOMENT, 0},
	    {"now", MOMENT, 1},
	    {"to", MOMENT, 2},
	    {"from_day", DAY, 0},
	    {"now_day", DAY, 1},
	    {"to_day", DAY, 2},
	};
	const int64_t moments[] = {w->from_us, w->now_us, w->to_us};
	const int32_t days[] = {w->before.from, w->now.from, w->now.to};

	if (strcmp(p->name, "target") == 0) {
		p->kind = STORE_PARAM_SQL;
		p->text = buf_text(&w->target);
		return;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(p->name, known[i].name) != 0)
			continue;
		p->kind = known[i].kind == MOMENT ? STORE_PARAM_TIME : STORE_PARAM_DATE;
		p->int_value =
		    known[i].kind == MOMENT ? moments[known[i].which] : days[known[i].which];
		return;
	}
}

#define PARAMS_MAX 16

int window_ask(struct window *w, const char *question, const struct store_param *params,
    size_t count, struct store_result **ret_result, struct err *err)
{
	struct store_param filled[PARAMS_MAX];
	bool all = w->now.from == w->now.to;

	if (count > PARAMS_MAX)
		return err_set(err, ST_USAGE, "%s: too many parameters", question);
	for (size_t i = 0; i < count; i++) {
		filled[i] = params[i];
		fill_param(w, &filled[i]);
	}
	return store_ask(w->store, question, filled, count, all ? INT32_MIN : w->before.from,
	    all ? INT32_MAX : w->now.to, ret_result, err);
}

struct report_observed window_observed_day(const struct window *w, size_t sensor, int32_t day)
{
	const struct window_sensor *s = &w->sensors[sensor];
	struct zone *zone = store_zone(w->store);

	return report_observed_union(
	    s->spans, s->span_count, zone_day_start(zone, day), zone_day_start(zone, day + 1));
}

/* ---- words ---------------------------------------------------------------------------------- */

const char *window_basis_name(enum report_basis basis)
{
	return basis_names[basis];
}

const char *window_rate_heading(enum report_basis basis, enum publish_language language)
{
	bool ja = language == PUBLISH_JA;

	switch (basis) {
	case REPORT_BASIS_ADDRESS:
		return ja ? "件/日・IPアドレス" : "packets/day/address";
	case REPORT_BASIS_SENSOR_MEAN:
		return ja ? "件/日・センサー" : "packets/day/sensor";
	case REPORT_BASIS_TOTAL:
	case REPORT_BASIS_COUNT:
		break;
	}
	return ja ? "件/日" : "packets/day";
}

/* With one decimal; what is there but would be rounded away is not 0. */
static void put_measure(struct buf *b, double value, const char *unit, bool ja)
{
	bool tiny = value > 0 && value < 0.05;

	buf_puts(b, tiny && !ja ? "<" : "");
	publish_number(b, tiny ? 0.1 : value, 1);
	buf_printf(b, "%s%s", unit, tiny && ja ? "未満" : "");
}

void window_describe(const struct window *w, const struct publish_style *style, struct buf *b)
{
	bool ja = style->language == PUBLISH_JA;
	char from[CIVIL_DATE_TEXT_MAX];
	char to[CIVIL_DATE_TEXT_MAX];

	(void)civil_format_date(w->now.from, from);
	(void)civil_format_date(w->now.to - 1, to);
	buf_printf(b, ja ? "期間 %s〜%s(%s)  観測稼働率 " : "Period %s to %s (%s)  coverage ", from,
	    to, zone_name(store_zone(w->store)));
	put_measure(b, 100 * w->coverage, "%", ja);
	buf_puts(b, ja ? "(" : " (");
	publish_number(b, (double)w->sensors_now, 0);
	buf_puts(b, ja ? "台、" : w->sensors_now == 1 ? " sensor, " : " sensors, ");
	if (w->addresses < 10 && fabs(w->addresses - round(w->addresses)) >= 0.05) {
		put_measure(b, w->addresses, ja ? "アドレス" : " addresses", ja);
	} else {
		publish_number(b, w->addresses, 0);
		buf_puts(b, ja ? "アドレス" : " addresses");
	}
	buf_puts(b, ja ? ")  基準 " : ")  basis ");
	buf_printf(b, "%s\n", ja ? basis_ja[w->basis] : basis_names[w->basis]);
}

bool window_port_parse(const char *text, uint32_t *ret_key)
{
	static const struct {
		const char *name;
		uint32_t proto;
	} protos[] = {{"", 6}, {"/tcp", 6}, {"/udp", 17}, {"/icmp", 1}, {"/icmpv6", 58}};
	uint32_t port = 0;
	size_t i = 0;

	for (; text[i] >= '0' && text[i] <= '9'; i++) {
		port = port * 10 + (uint32_t)(text[i] - '0');
		if (port > UINT16_MAX)
			return false;
	}
	if (i == 0)
		return false;
	for (size_t p = 0; p < sizeof(protos) / sizeof(*protos); p++) {
		if (strcasecmp(text + i, protos[p].name) == 0) {
			*ret_key = protos[p].proto << 16 | port;
			return true;
		}
	}
	return false;
}

void window_port_text(uint32_t key, char text[24])
{
	unsigned proto = key >> 16;
	const char *name = proto == 6    ? "tcp"
	                   : proto == 17 ? "udp"
	                   : proto == 1  ? "icmp"
	                   : proto == 58 ? "icmpv6"
	                                 : NULL;

	if (name)
		(void)snprintf(text, 24, "%u/%s", key & 0xffff, name);
	else
		(void)snprintf(text, 24, "%u/ip-%u", key & 0xffff, proto);
}
