/*
 * teiten top sources: addresses by their rate, and what each was judged to be.
 */
#include "cmd/roles.h"
#include "cmd/top.h"

#include "base/ip.h"
#include "report/ranked.h"

#include <stdlib.h>
#include <string.h>

enum {
	SOURCE_RANK,
	SOURCE_ADDRESS,
	SOURCE_RATE,
	SOURCE_PACKETS,
	SOURCE_PORTS,
	SOURCE_DAYS,
	SOURCE_SENSORS,
	SOURCE_ROLE,
	SOURCE_MARKS,
	SOURCE_COUNTRY,
	SOURCE_ASN,
	SOURCE_COLUMNS,
};

/* What a packet of each sensor is worth, as SQL: the ranking itself is made by the engine.  The
 * exponent makes the number a double; without it engines take it for a decimal. */
static void put_weights(const struct window *w, struct buf *b)
{
	buf_puts(b, "CASE");
	for (size_t i = 0; i < w->sensor_count; i++)
		buf_printf(b, " WHEN sensor = %u THEN %.17e", (unsigned)w->sensors[i].id,
		    w->weights[i].now);
	buf_puts(b, " ELSE 0e0 END");
}

static void put_marks(const struct store_result *result, size_t row, size_t column, struct buf *b)
{
	for (unsigned bit = 0; bit < RECORD_MARK_COUNT; bit++)
		if (store_result_int(result, row, column + bit))
			buf_printf(b, "%s%s", b->len ? "," : "", record_mark_name(bit));
}

/* The engine adds in any order: twelve digits are the same whichever files it read. */
static double settle(double value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%.12g", value);
	return strtod(text, NULL);
}

static void source_row(struct top *top, const struct store_result *result, size_t row)
{
	struct ip ip = {.hi = store_result_uint(result, row, 0)};
	struct table *t = top->table;
	const char *code = store_result_text(result, row, 11);
	char address[IP_TEXT_MAX];
	struct buf text = {0};

	/* IPv6 sources are counted by /64. */
	if (ip.hi == 0)
		ip.lo = store_result_uint(result, row, 1);
	table_row(t);
	table_set_int(t, SOURCE_RANK, (int64_t)row + 1);
	buf_printf(&text, "%s%s", ip_format(ip, address), ip.hi ? "/64" : "");
	table_set_text(t, SOURCE_ADDRESS, buf_text(&text));
	table_set_real(t, SOURCE_RATE, settle(store_result_real(result, row, 3)));
	buf_reset(&text);
	publish_number(&text, store_result_real(result, row, 3), 2);
	table_show(t, SOURCE_RATE, "%s", buf_text(&text));
	table_set_uint(t, SOURCE_PACKETS, store_result_uint(result, row, 2));
	buf_reset(&text);
	publish_number(&text, store_result_real(result, row, 2), 0);
	table_show(t, SOURCE_PACKETS, "%s", buf_text(&text));
	table_set_int(t, SOURCE_PORTS, store_result_int(result, row, 4));
	table_set_int(t, SOURCE_DAYS, store_result_int(result, row, 5));
	table_set_int(t, SOURCE_SENSORS, store_result_int(result, row, 6));
	table_show(t, SOURCE_SENSORS, "%lld/%zu", (long long)store_result_int(result, row, 6),
	    top->w.sensors_now);
	buf_reset(&text);
	put_marks(result, row, 7, &text);
	table_set_text(t, SOURCE_MARKS, buf_text(&text));
	table_set_text(t, SOURCE_COUNTRY, code);
	table_set_uint(t, SOURCE_ASN, store_result_uint(result, row, 12));
	if (store_result_uint(result, row, 12) == 0)
		table_show(t, SOURCE_ASN, "-");
	buf_fini(&text);
}

/* Days on which a source was judged to be what the ranking leaves out. */
static void put_left_out(const struct top *top, struct buf *b)
{
	if (!top->out)
		return;
	buf_puts(b, "AND (date, src_hi, src_lo) NOT IN (SELECT date, src_hi, src_lo "
	    "FROM role AS judged WHERE judged.role IN (");
	ranked_put_roles(b, top->out);
	buf_puts(b, "))");
}

/* What each source is: on several days, what it was with most packets.  The caller frees. */
static int ask_roles(struct top *top, const struct store_result *sources,
    struct store_result **ret_roles)
{
	struct buf list = {0};
	struct err err = {0};
	int r;

	for (size_t i = 0; i < store_result_rows(sources); i++)
		buf_printf(&list, "%s(%llu, %llu)", i ? ", " : "",
		    (unsigned long long)store_result_uint(sources, i, 0),
		    (unsigned long long)store_result_uint(sources, i, 1));
	if (list.len == 0)
		buf_puts(&list, "(0, 0)");
	const struct store_param params[] = {
	    {.name = "now_day"},
	    {.name = "to_day"},
	    {.name = "sources", .kind = STORE_PARAM_SQL, .text = buf_text(&list)},
	};
	r = window_ask(&top->w, "cmd_top_source_roles", params, 3, ret_roles, &err);
	buf_fini(&list);
	if (r < 0)
		command_error(top->self, "%s", err.text);
	return r < 0 ? COMMAND_FAILED : COMMAND_OK;
}

/* The first row of a source in the answer, which is sorted by source; "" when it has none. */
static const char *find_role(const struct store_result *roles, uint64_t hi, uint64_t lo)
{
	size_t low = 0;
	size_t high = store_result_rows(roles);

	while (low < high) {
		size_t middle = (low + high) / 2;
		uint64_t there = store_result_uint(roles, middle, 0);

		if (there < hi || (there == hi && store_result_uint(roles, middle, 1) < lo))
			low = middle + 1;
		else
			high = middle;
	}
	if (store_result_uint(roles, low, 0) != hi || store_result_uint(roles, low, 1) != lo)
		return "";
	return store_result_text(roles, low, 2);
}

static void set_role(struct top *top, const char *name)
{
	enum role role = role_find(name, strlen(name));

	if (role == ROLE_COUNT)
		return;
	table_set_text(top->table, SOURCE_ROLE, name);
	table_show(top->table, SOURCE_ROLE, "%s", roles_word(role, top->style.language));
}

int top_sources(struct top *top)
{
	const char *rate = window_rate_heading(top->w.basis, top->style.language);
	struct store_result *result = NULL;
	struct store_result *roles = NULL;
	struct buf weight = {0};
	struct buf out = {0};
	struct err err = {0};
	int r;

	put_weights(&top->w, &weight);
	put_left_out(top, &out);
	const struct store_param params[] = {
	    {.name = "now_day"},
	    {.name = "to_day"},
	    {.name = "weight", .kind = STORE_PARAM_SQL, .text = buf_text(&weight)},
	    {.name = "n", .kind = STORE_PARAM_INT, .int_value = (int64_t)top->n},
	    {.name = "left_out", .kind = STORE_PARAM_SQL, .text = buf_text(&out)},
	};
	r = window_ask(&top->w, "cmd_top_sources", params, 5, &result, &err);
	buf_fini(&weight);
	buf_fini(&out);
	if (r < 0) {
		command_error(top->self, "%s", err.text);
		return COMMAND_FAILED;
	}
	if (ask_roles(top, result, &roles) != COMMAND_OK) {
		store_result_free(result);
		return COMMAND_FAILED;
	}
	memcpy(top->columns,
	    (struct table_column[SOURCE_COLUMNS]){
	        [SOURCE_RANK] = {"rank", "順位", "rank", TABLE_INT, TABLE_ALL},
	        [SOURCE_ADDRESS] = {"source", top->style.source_hasshin ? "発信元" : "送信元",
	            "source", TABLE_TEXT, TABLE_ALL},
	        [SOURCE_RATE] = {"rate", rate, rate, TABLE_REAL, TABLE_ALL},
	        [SOURCE_PACKETS] = {"packets", "件数", "packets", TABLE_INT, TABLE_ALL},
	        [SOURCE_PORTS] = {"ports_per_day_max", "宛先ポート(日最大)", "ports (max/day)",
	            TABLE_INT, TABLE_ALL},
	        [SOURCE_DAYS] = {"days", "日数", "days", TABLE_INT, TABLE_ALL},
	        [SOURCE_SENSORS] = {"sensors", "センサー", "sensors", TABLE_INT, TABLE_ALL},
	        [SOURCE_ROLE] = {"role", "判定(自動)", "role", TABLE_TEXT, TABLE_ALL},
	        [SOURCE_MARKS] = {"marks", "特徴", "marks", TABLE_TEXT, TABLE_ALL},
	        [SOURCE_COUNTRY] = {"country", "国・地域", "country", TABLE_TEXT, TABLE_ALL},
	        [SOURCE_ASN] = {"asn", "AS番号", "AS", TABLE_INT, TABLE_ALL},
	    },
	    SOURCE_COLUMNS * sizeof(*top->columns));
	top->table = table_new(top->columns, SOURCE_COLUMNS);
	for (size_t i = 0; i < store_result_rows(result); i++) {
		source_row(top, result, i);
		set_role(top, find_role(roles, store_result_uint(result, i, 0),
		    store_result_uint(result, i, 1)));
	}
	store_result_free(result);
	store_result_free(roles);
	return COMMAND_OK;
}
