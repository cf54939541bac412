/*
 * teiten rises --contributions: which port × country × sensor the change of all access is made of.
 *
 * Rates are those of the sensors that observed in both periods, in the window's basis; the parts,
 * the rest and the whole are from the same packets, so they add up.
 */
#include "cmd/contributions.h"

#include "cmd/table.h"

#include <math.h>
#include <string.h>

#define PARTS_MAX 20

enum {
	COLUMN_PART,
	COLUMN_PORT,
	COLUMN_COUNTRY,
	COLUMN_SENSOR,
	COLUMN_BEFORE,
	COLUMN_NOW,
	COLUMN_CHANGE,
	COLUMN_SHARE,
	COLUMN_COUNT,
};

static const struct table_column columns[COLUMN_COUNT] = {
    [COLUMN_PART] = {"part", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
    [COLUMN_PORT] = {"port", "宛先ポート", "port", TABLE_TEXT, TABLE_ALL},
    [COLUMN_COUNTRY] = {"country", "送信元国・地域", "country", TABLE_TEXT, TABLE_ALL},
    [COLUMN_SENSOR] = {"sensor", "センサー", "sensor", TABLE_TEXT, TABLE_ALL},
    [COLUMN_BEFORE] = {"previous_rate", "前期", "before", TABLE_REAL, TABLE_ALL},
    [COLUMN_NOW] = {"rate", "今期", "now", TABLE_REAL, TABLE_ALL},
    [COLUMN_CHANGE] = {"change", "増減", "change", TABLE_REAL, TABLE_ALL},
    [COLUMN_SHARE] = {"share_percent", "増減に占める割合", "part of the change", TABLE_REAL,
        TABLE_ALL},
};

struct sums {
	double before;
	double now;
};

static void put_panel(const struct window *w, struct buf *b)
{
	size_t count = 0;

	for (size_t i = 0; i < w->sensor_count; i++)
		if (w->panel[i])
			buf_printf(b, "%s%u", count++ ? ", " : "", (unsigned)w->sensors[i].id);
}

/* What a packet of each sensor is worth, in SQL. */
static void put_weights(const struct window *w, bool now, struct buf *b)
{
	buf_puts(b, "(CASE sensor");
	for (size_t i = 0; i < w->sensor_count; i++)
		if (w->panel[i])
			buf_printf(b, " WHEN %u THEN %.17g", (unsigned)w->sensors[i].id,
			    now ? w->weights[i].panel_now : w->weights[i].panel_before);
	buf_puts(b, " ELSE 0 END)");
}

static struct sums rates_of(const struct window *w, const struct store_result *result, size_t row,
    size_t column)
{
	size_t sensor = window_sensor_find(w, (uint16_t)store_result_int(result, row, 0));

	if (sensor == SIZE_MAX)
		return (struct sums){0};
	return (struct sums){
		.now = store_result_real(result, row, column) * w->weights[sensor].panel_now,
		.before = store_result_real(result, row, column + 1)
		    * w->weights[sensor].panel_before,
	};
}

static void set_rate(struct table *t, size_t column, double value, bool is_signed)
{
	struct buf text = {0};

	publish_number(&text, value, 2);
	table_set_real(t, column, value);
	table_show(t, column, "%s%s", is_signed && value > 0 ? "+" : "", buf_text(&text));
	buf_fini(&text);
}

static void set_rates(struct table *t, struct sums rates, struct sums all)
{
	double change = rates.now - rates.before;
	double whole = all.now - all.before;

	set_rate(t, COLUMN_BEFORE, rates.before, false);
	set_rate(t, COLUMN_NOW, rates.now, false);
	set_rate(t, COLUMN_CHANGE, change, true);
	if (whole != 0) {
		table_set_real(t, COLUMN_SHARE, 100 * change / whole);
		table_show(t, COLUMN_SHARE, "%.1f%%", 100 * change / whole);
	}
}

static void add_part(const struct window *w, const struct publish_style *style, struct table *t,
    const struct store_result *result, size_t row, struct sums all)
{
	size_t sensor = window_sensor_find(w, (uint16_t)store_result_int(result, row, 0));
	const char *country = store_result_text(result, row, 1);
	uint32_t key = (uint32_t)store_result_int(result, row, 2);
	char text[24];
	struct buf name = {0};

	table_row(t);
	table_set_text(t, COLUMN_PART, "cell");
	window_port_text(key, text);
	table_set_text(t, COLUMN_PORT, text);
	publish_port(&name, (uint8_t)(key >> 16), (uint16_t)key);
	table_show(t, COLUMN_PORT, "%s", buf_text(&name));
	buf_reset(&name);
	table_set_text(t, COLUMN_COUNTRY, country);
	publish_country(&name, style, strlen(country) == 2 ? country : "ZZ");
	table_show(t, COLUMN_COUNTRY, "%s", buf_text(&name));
	if (sensor != SIZE_MAX)
		table_set_text(t, COLUMN_SENSOR, w->sensors[sensor].name);
	set_rates(t, rates_of(w, result, row, 3), all);
	buf_fini(&name);
}

static void add_sum(struct table *t, const char *part, const char *word, struct sums rates,
    struct sums all)
{
	table_row(t);
	table_set_text(t, COLUMN_PART, part);
	table_show(t, COLUMN_PORT, "%s", word);
	set_rates(t, rates, all);
}

static int ask(struct window *w, struct store_result **ret_parts, struct sums *ret_all,
    struct err *err)
{
	struct buf panel = {0};
	struct buf now = {0};
	struct buf before = {0};
	struct store_result *result = NULL;
	int r;

	put_panel(w, &panel);
	put_weights(w, true, &now);
	put_weights(w, false, &before);
	const struct store_param params[] = {
	    {.name = "from_day"},
	    {.name = "now_day"},
	    {.name = "to_day"},
	    {.name = "panel", .kind = STORE_PARAM_SQL, .text = buf_text(&panel)},
	    {.name = "target"},
	    {.name = "weight_now", .kind = STORE_PARAM_SQL, .text = buf_text(&now)},
	    {.name = "weight_before", .kind = STORE_PARAM_SQL, .text = buf_text(&before)},
	    {.name = "limit", .kind = STORE_PARAM_INT, .int_value = PARTS_MAX},
	};
	r = window_ask(w, "cmd_contributions_sum", params, 4, &result, err);
	for (size_t i = 0; r == ST_OK && i < store_result_rows(result); i++) {
		struct sums rates = rates_of(w, result, i, 1);

		ret_all->now += rates.now;
		ret_all->before += rates.before;
	}
	store_result_free(result);
	if (r == ST_OK)
		r = window_ask(w, "cmd_contributions", params, 8, ret_parts, err);
	buf_fini(&panel);
	buf_fini(&now);
	buf_fini(&before);
	return r;
}

int contributions_print(const struct command *self, const struct command_common *common,
    const struct publish_style *style, struct window *w)
{
	bool ja = style->language == PUBLISH_JA;
	struct store_result *parts = NULL;
	struct sums all = {0};
	struct sums rest;
	struct err err = {0};
	struct buf b = {0};
	struct table *t;

	if (w->panel_count == 0) {
		command_error(self, "no sensor observed in the period before as well: there is no "
		    "change to take apart");
		return COMMAND_NOT_FOUND;
	}
	if (ask(w, &parts, &all, &err) < 0) {
		command_error(self, "%s", err.text);
		return COMMAND_FAILED;
	}
	rest = all;
	t = table_new(columns, COLUMN_COUNT);
	for (size_t i = 0; i < store_result_rows(parts); i++) {
		struct sums rates = rates_of(w, parts, i, 3);

		add_part(w, style, t, parts, i, all);
		rest.now -= rates.now;
		rest.before -= rates.before;
	}
	add_sum(t, "rest", ja ? "その他" : "the rest", rest, all);
	add_sum(t, "total", ja ? "アクセス全体" : "all access", all, all);
	if (common->format == COMMAND_HUMAN) {
		window_describe(w, style, &b);
		buf_printf(&b, "%s\n", window_rate_heading(w->basis, style->language));
	}
	table_print(t, common, &b);
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	table_free(t);
	store_result_free(parts);
	return COMMAND_OK;
}
