/* teiten alerts: the signatures that matched in a period, one row per rule, from the store. */
#include "cmd/methods.h"
#include "cmd/table.h"
#include "cmd/window.h"

#include "base/civil.h"

static int run(int argc, char **argv);

const struct command command_alerts = {
    .name = "alerts",
    .summary = "Signatures that matched in a period",
    .usage =
        "usage: teiten alerts [-s STORE] [OPTION…]\n"
        "\n"
        "Lists the rules that raised alerts in a period, the most frequent first, as teiten\n"
        "analyze -s STORE --rules FILE or a sensor with signatures.rules stored them.  A rule\n"
        "that its own threshold held back all the time is not listed.  Which session an alert\n"
        "belongs to is in alert.session (teiten sql).\n"
        "\n" WINDOW_HELP
        "\n"
        "--json: gid, sid, rev, msg, class, class_name (its method of attack, by the map of\n"
        "signatures.classes), severity, count (raised), matches (before the rule's own\n"
        "threshold), sources, sensors, sessions, first, last (of the matches).\n"
        "\n"
        "Examples:\n"
        "  teiten alerts -s /var/lib/teiten --last 7d\n"
        "  teiten alerts --period 2026-10 --json | jq '.[] | select(.severity == 1)'\n",
    .run = run,
};

/* Also the order of the question's columns, which has no class_name. */
enum {
	COLUMN_GID,
	COLUMN_SID,
	COLUMN_REV,
	COLUMN_MSG,
	COLUMN_CLASS,
	COLUMN_CLASS_NAME,
	COLUMN_SEVERITY,
	COLUMN_RAISED,
	COLUMN_MATCHES,
	COLUMN_SOURCES,
	COLUMN_SENSORS,
	COLUMN_SESSIONS,
	COLUMN_FIRST,
	COLUMN_LAST,
	COLUMN_COUNT,
};

static const struct table_column columns[COLUMN_COUNT] = {
    [COLUMN_GID] = {"gid", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
    [COLUMN_SID] = {"sid", "シグネチャID", "signature", TABLE_INT, TABLE_ALL},
    [COLUMN_REV] = {"rev", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
    [COLUMN_MSG] = {"msg", "シグネチャ", "message", TABLE_TEXT, TABLE_ALL},
    [COLUMN_CLASS] = {"class", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
    [COLUMN_CLASS_NAME] = {"class_name", "攻撃手法", "method", TABLE_TEXT, TABLE_ALL},
    [COLUMN_SEVERITY] = {"severity", "重大度", "severity", TABLE_INT, TABLE_ALL},
    [COLUMN_RAISED] = {"count", "アラート", "alerts", TABLE_INT, TABLE_ALL},
    [COLUMN_MATCHES] = {"matches", "件数", "matches", TABLE_INT, TABLE_ALL},
    [COLUMN_SOURCES] = {"sources", "送信元", "sources", TABLE_INT, TABLE_ALL},
    [COLUMN_SENSORS] = {"sensors", "センサー", "sensors", TABLE_INT, TABLE_ALL},
    [COLUMN_SESSIONS] = {"sessions", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
    [COLUMN_FIRST] = {"first", "最初(UTC)", "first (UTC)", TABLE_TEXT, TABLE_ALL},
    [COLUMN_LAST] = {"last", "最後(UTC)", "last (UTC)", TABLE_TEXT, TABLE_ALL},
};

static const struct classmap_class *class_of(const struct classmap *map,
    const struct store_result *result, size_t row)
{
	struct classmap_rule rule = {
	    .gid = (uint32_t)store_result_uint(result, row, COLUMN_GID),
	    .sid = (uint32_t)store_result_uint(result, row, COLUMN_SID),
	    .classtype = store_result_text(result, row, COLUMN_CLASS),
	    .msg = store_result_text(result, row, COLUMN_MSG),
	};

	return classmap_at(map, classmap_find(map, &rule));
}

static void add_row(struct table *t, const struct publish_style *style,
    const struct classmap *map, const struct store_result *result, size_t row)
{
	const struct classmap_class *class = class_of(map, result, row);
	char time[CIVIL_TIME_TEXT_MAX];

	table_row(t);
	for (size_t c = 0; c < COLUMN_COUNT; c++) {
		size_t asked = c > COLUMN_CLASS_NAME ? c - 1 : c;

		if (c == COLUMN_CLASS_NAME) {
			table_set_text(t, c, class->en);
			table_show(t, c, "%s", style->language == PUBLISH_JA ? class->ja : class->en);
		} else if (c == COLUMN_MSG || c == COLUMN_CLASS) {
			table_set_text(t, c, store_result_text(result, row, asked));
		} else if (c >= COLUMN_RAISED && c < COLUMN_FIRST) {
			table_set_count(t, c, store_result_uint(result, row, asked));
		} else if (c < COLUMN_FIRST) {
			table_set_uint(t, c, store_result_uint(result, row, asked));
		} else {
			(void)civil_format_time(store_result_int(result, row, asked), time);
			table_set_text(t, c, time);
			table_show(t, c, "%.10s %.8s", time, time + 11);
		}
	}
	table_show(t, COLUMN_SID, "%llu",
	    (unsigned long long)store_result_uint(result, row, COLUMN_SID));
}

static void print(const struct command_common *common, const struct window *w,
    const struct classmap *map, const struct store_result *result)
{
	struct publish_style style = command_style(common);
	struct table *table = table_new(columns, COLUMN_COUNT);
	struct buf b = {0};

	for (size_t i = 0; i < store_result_rows(result); i++)
		add_row(table, &style, map, result, i);
	if (common->format == COMMAND_HUMAN)
		window_describe(w, &style, &b);
	table_print(table, common, &b);
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	table_free(table);
}

static int run(int argc, char **argv)
{
	static const struct store_param params[] = {{.name = "now"}, {.name = "to"}};
	const struct command *self = &command_alerts;
	struct command_common common = {0};
	struct window_options options = {0};
	struct window w = {0};
	struct store_result *result = NULL;
	struct classmap *map = NULL;
	struct err err = {0};
	int r;

	if (window_options_only(self, &common, &options, argc, argv))
		return COMMAND_USAGE;
	r = methods_open(self, &map);
	if (r == COMMAND_OK)
		r = window_open(self, &options, &w);
	if (r == COMMAND_OK && window_ask(&w, "cmd_alerts", params, 2, &result, &err) < 0) {
		command_error(self, "%s", err.text);
		r = COMMAND_FAILED;
	}
	if (r == COMMAND_OK)
		print(&common, &w, map, result);
	store_result_free(result);
	classmap_free(map);
	window_close(&w);
	return r;
}
