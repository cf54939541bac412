/*
 * teiten top: rankings of ports, countries and autonomous systems; sources are in top_sources.c,
 * those of what visitors spoke in top_records.c.
 *
 * From rollups only (port_quarter, country_day, source_day): a week is a fraction of a second.
 * Counts access, as reports do; changes are over the sensors that observed in both periods.
 */
#include "cmd/rank.h"
#include "cmd/top.h"
#include "report/ranked.h"

#include "base/ip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPTION_N = WINDOW_OPTION_COUNT,
	OPTION_ALL,
	OPTION_ALL_ROLES,
	OPTION_NO_RESEARCH,
};

static int run(int argc, char **argv);

const struct command command_top = {
    .name = "top",
    .summary = "Rankings: ports, countries, sources, passwords, protocols …",
    .usage =
        "usage: teiten top ports|countries|asns|sources [-s STORE] [OPTION…]\n"
        "       teiten top users|passwords|logins|protocols|urls|commands|payloads|events …\n"
        "       teiten top signatures|tools …\n"
        "\n"
        "Ranks what knocked most in a period, beside the period before: rate, rank, change\n"
        "and at how many sensors.  Rates are packets per day per address, of access packets.\n"
        "The second line ranks what visitors spoke and tried, by how often; signatures are\n"
        "counted by matches, before the rules' own thresholds.  tools: by what the headers of\n"
        "their packets give away (data/tools.rules), behaviours (hajime-like: 5358/tcp and\n"
        "23/tcp without Mirai's mark; two-phase: an odd SYN, then an ordinary connection to\n"
        "the same port), clusters (cluster-NUMBER: no known tool, but a field that others draw\n"
        "anew stays the same: sequence number, source port …), and unusual headers nobody has\n"
        "named, as syn-NUMBER.\n"
        "\n" WINDOW_HELP
        "  --basis B       address (default), sensor-mean or total: what rates divide by\n"
        "  -n N, --all     length of the ranking (default: report.top_n)\n"
        "  --all-roles     everybody; else countries, asns and sources leave out victims of\n"
        "                  attacks, reflectors and mistakes (report.ranking_roles)\n"
        "  --no-research   without research scanners (ports, countries, asns, sources)\n"
        "\n"
        "--json: rank, previous_rank, the key (port, country, asn or source), rate,\n"
        "previous_rate, change, change_percent, packets, sensors, top_sensor_share, locality;\n"
        "of what was spoken: the key (user, password …), count, sources, sensors, share in %,\n"
        "previous_rank null outside the ranking.  People see passwords masked.\n"
        "\n"
        "Examples:\n"
        "  teiten top ports -s /var/lib/teiten --last 7d\n"
        "  teiten top countries --period 2026-10 -n 20 --lang ja\n"
        "  teiten top sources --last 1d --json | jq -r '.[].source'\n"
        "  teiten top passwords --last 30d --credentials\n",
    .run = run,
};

/* ---- columns of every ranking with a previous period ------------------------------------------
 */

/* The order of the columns below; RANKED_KEY2 is the second key column (service, name). */
enum {
	RANKED_RANK,
	RANKED_BEFORE,
	RANKED_KEY,
	RANKED_KEY2,
	RANKED_RATE,
	RANKED_RATE_BEFORE,
	RANKED_CHANGE,
	RANKED_CHANGE_PERCENT,
	RANKED_PACKETS,
	RANKED_MIRAI,
	RANKED_SENSORS,
	RANKED_SENSORS_TOTAL,
	RANKED_SHARE,
	RANKED_LOCALITY,
	RANKED_COLUMNS,
};

/* Makes the table; key and key2 are {name, heading ja, heading en}. */
static void ranked_table(struct top *top, const char *const key[3], const char *const key2[3])
{
	const char *rate = window_rate_heading(top->w.basis, top->style.language);
	static const char *const none[3] = {NULL, NULL, NULL};

	if (!key2)
		key2 = none;
	memcpy(top->columns,
	    (struct table_column[RANKED_COLUMNS]){
	        [RANKED_RANK] = {"rank", "順位(前期)", "rank (before)", TABLE_TEXT, TABLE_ALL},
	        [RANKED_BEFORE] = {"previous_rank", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
	        [RANKED_KEY] = {key[0], key[1], key[2], TABLE_TEXT, TABLE_ALL},
	        [RANKED_KEY2] = {key2[0], key2[1], key2[2], TABLE_TEXT, TABLE_ALL},
	        [RANKED_RATE] = {"rate", rate, rate, TABLE_REAL, TABLE_ALL},
	        [RANKED_RATE_BEFORE] = {"previous_rate", NULL, NULL, TABLE_REAL, TABLE_PROGRAMS},
	        [RANKED_CHANGE] = {"change", "前期比(増減)", "change", TABLE_REAL, TABLE_ALL},
	        [RANKED_CHANGE_PERCENT] = {"change_percent", NULL, NULL, TABLE_REAL,
	            TABLE_PROGRAMS},
	        [RANKED_PACKETS] = {"packets", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
	        [RANKED_MIRAI] = {"mirai_percent", "Miraiの特徴", "Mirai", TABLE_REAL, TABLE_ALL},
	        [RANKED_SENSORS] = {"sensors", "センサー", "sensors", TABLE_INT, TABLE_ALL},
	        [RANKED_SENSORS_TOTAL] = {"sensors_total", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
	        [RANKED_SHARE] = {"top_sensor_share", NULL, NULL, TABLE_REAL, TABLE_PROGRAMS},
	        [RANKED_LOCALITY] = {"locality", "判定(自動)", "locality", TABLE_TEXT, TABLE_ALL},
	    },
	    RANKED_COLUMNS * sizeof(*top->columns));
	top->table = table_new(top->columns, RANKED_COLUMNS);
}

void top_show_rank(
    struct top *top, size_t column, unsigned rank, unsigned rank_before, bool is_new)
{
	bool ja = top->style.language == PUBLISH_JA;
	char before[24];
	const char *arrow = "";

	if (top->w.panel_count == 0)
		(void)snprintf(before, sizeof(before), "-");
	else if (rank_before == 0 || rank_before > top->n)
		(void)snprintf(before, sizeof(before), "%s", ja ? "圏外" : "out");
	else
		(void)snprintf(before, sizeof(before), "%u", rank_before);
	if (top->w.panel_count > 0 && is_new)
		arrow = ja ? " 新" : " new";
	else if (rank_before > rank)
		arrow = " ↑";
	else if (rank_before && rank_before < rank)
		arrow = " ↓";
	table_show(top->table, column, "%2u (%s)%s", rank, before, arrow);
}

static void ranked_row(struct top *top, const struct rank_item *item, bool mirai)
{
	struct report_change change = rank_change(&top->w, &item->rate);
	enum rank_locality locality = rank_locality(&top->w, item);
	struct table *t = top->table;
	struct buf text = {0};

	table_row(t);
	table_set_int(t, RANKED_RANK, item->rank);
	top_show_rank(top, RANKED_RANK, item->rank, item->rank_before, item->rank_before == 0);
	if (item->rank_before)
		table_set_int(t, RANKED_BEFORE, item->rank_before);
	table_set_real(t, RANKED_RATE, item->rate.now);
	publish_number(&text, item->rate.now, 2);
	table_show(t, RANKED_RATE, "%s", buf_text(&text));
	if (change.state != REPORT_CHANGE_NO_DATA) {
		table_set_real(t, RANKED_RATE_BEFORE, item->rate.before);
		table_set_real(t, RANKED_CHANGE, change.difference);
		if (change.state != REPORT_CHANGE_NEW)
			table_set_real(t, RANKED_CHANGE_PERCENT, change.percent);
	}
	buf_reset(&text);
	rank_change_text(&top->w, &item->rate, top->style.language, &text);
	table_show(t, RANKED_CHANGE, "%s", buf_text(&text));
	table_set_int(t, RANKED_PACKETS, (int64_t)item->packets);
	if (mirai && item->rate.now > 0) {
		table_set_real(t, RANKED_MIRAI, 100 * item->extra / item->rate.now);
		if (item->extra > 0)
			table_show(
			    t, RANKED_MIRAI, "%.0f%%", round(100 * item->extra / item->rate.now));
		else
			table_show(t, RANKED_MIRAI, "-");
	}
	table_set_int(t, RANKED_SENSORS, item->sensors);
	table_show(t, RANKED_SENSORS, "%u/%zu", item->sensors, top->w.sensors_now);
	table_set_int(t, RANKED_SENSORS_TOTAL, (int64_t)top->w.sensors_now);
	table_set_real(t, RANKED_SHARE, rank_top_share(item));
	table_set_text(t, RANKED_LOCALITY, rank_locality_name(locality));
	table_show(t, RANKED_LOCALITY, "%s", rank_locality_text(locality, top->style.language));
	buf_fini(&text);
}

/* ---- the rankings --------------------------------------------------------------------------- */

static int ask_ranks(struct top *top, const char *question, const struct store_param *params,
    size_t count, enum rank_key kind, struct rank_list *ret_list)
{
	struct store_result *result;
	struct err err = {0};

	if (window_ask(&top->w, question, params, count, &result, &err) < 0) {
		command_error(top->self, "%s", err.text);
		return COMMAND_FAILED;
	}
	rank_load(&top->w, result, kind, ret_list);
	store_result_free(result);
	return COMMAND_OK;
}

/* Items to print: those with a rank, at most n. */
static size_t shown_count(const struct top *top, const struct rank_list *list)
{
	size_t count = 0;

	while (count < list->count && count < top->n && list->items[count].rank)
		count++;
	return count;
}

static int top_ports(struct top *top)
{
	static const struct store_param params[] = {
	    {.name = "target"},
	    {.name = "from"},
	    {.name = "now"},
	    {.name = "to"},
	};
	static const char *const port_key[] = {"port", "宛先ポート", "port"};
	static const char *const service[] = {"service", "サービス", "service"};
	struct rank_list list = {0};
	struct buf text = {0};
	const struct store_param ranked[] = {
	    {.name = "target"},
	    {.name = "from_day"},
	    {.name = "now_day"},
	    {.name = "to_day"},
	    {.name = "ranked", .kind = STORE_PARAM_SQL, .text = buf_text(&top->ranked)},
	};
	int r = top->out ? ask_ranks(top, "cmd_top_ports_ranked", ranked, 5, RANK_KEY_PORT, &list)
	                 : ask_ranks(top, "cmd_top_ports", params, 4, RANK_KEY_PORT, &list);

	if (r != COMMAND_OK)
		return r;
	ranked_table(top, port_key, service);
	for (size_t i = 0; i < shown_count(top, &list); i++) {
		uint32_t key = (uint32_t)list.items[i].key;
		char port[24];

		ranked_row(top, &list.items[i], true);
		window_port_text(key, port);
		table_set_text(top->table, RANKED_KEY, port);
		buf_reset(&text);
		publish_port(&text, (uint8_t)(key >> 16), (uint16_t)key);
		table_show(top->table, RANKED_KEY, "%s", buf_text(&text));
		table_set_text(
		    top->table, RANKED_KEY2, publish_service((uint8_t)(key >> 16), (uint16_t)key));
	}
	buf_fini(&text);
	rank_fini(&list);
	return COMMAND_OK;
}

/* The port each shown country sent most to: "BR" → 23/tcp; asked once for all of them. */
static int country_ports(struct top *top, const struct rank_list *list, uint32_t *ret_ports)
{
	struct buf codes = {0};
	struct store_result *result = NULL;
	struct err err = {0};
	size_t shown = shown_count(top, list);
	int r;

	for (size_t i = 0; i < shown; i++) {
		uint64_t key = list->items[i].key;
		char a = (char)(key >> 8);
		char c = (char)(key & 0xff);

		/* Only letters go into the SQL. */
		if (a >= 'A' && a <= 'Z' && c >= 'A' && c <= 'Z')
			buf_printf(&codes, "%s'%c%c'", codes.len ? ", " : "", a, c);
	}
	if (codes.len == 0)
		buf_puts(&codes, "'ZZ'");
	const struct store_param params[] = {
	    {.name = "target"},
	    {.name = "now_day"},
	    {.name = "to_day"},
	    {.name = "countries", .kind = STORE_PARAM_SQL, .text = buf_text(&codes)},
	    {.name = "ranked", .kind = STORE_PARAM_SQL, .text = buf_text(&top->ranked)},
	};
	r = window_ask(&top->w, "cmd_country_ports", params, 5, &result, &err);
	buf_fini(&codes);
	if (r < 0) {
		command_error(top->self, "%s", err.text);
		return COMMAND_FAILED;
	}
	for (size_t row = store_result_rows(result); row-- > 0;) {
		uint64_t key = rank_code_key(store_result_text(result, row, 0));

		/* Sorted by packets: going backwards, the first row of a country stays. */
		for (size_t i = 0; i < shown; i++)
			if (list->items[i].key == key)
				ret_ports[i] = (uint32_t)store_result_uint(result, row, 1);
	}
	store_result_free(result);
	return COMMAND_OK;
}

static int top_countries(struct top *top)
{
	const struct store_param params[] = {
	    {.name = "from_day"},
	    {.name = "now_day"},
	    {.name = "to_day"},
	    {.name = "ranked", .kind = STORE_PARAM_SQL, .text = buf_text(&top->ranked)},
	};
	static const char *const key[] = {"country", "国・地域", "country"};
	static const char *const port_key[] = {"port", "主な宛先ポート", "main port"};
	struct rank_list list = {0};
	struct buf text = {0};
	uint32_t *ports = NULL;
	int r = ask_ranks(top, "cmd_top_countries", params, 4, RANK_KEY_CODE, &list);

	if (r != COMMAND_OK)
		goto out;
	ports = command_need(calloc(list.count + 1, sizeof(*ports)));
	r = country_ports(top, &list, ports);
	if (r != COMMAND_OK)
		goto out;
	ranked_table(top, key, port_key);
	for (size_t i = 0; i < shown_count(top, &list); i++) {
		char code[3] = {(char)(list.items[i].key >> 8), (char)list.items[i].key, 0};
		char port[24];

		ranked_row(top, &list.items[i], true);
		table_set_text(top->table, RANKED_KEY, code);
		buf_reset(&text);
		publish_country(&text, &top->style, code);
		table_show(top->table, RANKED_KEY, "%s %s", code, buf_text(&text));
		window_port_text(ports[i], port);
		table_set_text(top->table, RANKED_KEY2, port);
		buf_reset(&text);
		publish_port(&text, (uint8_t)(ports[i] >> 16), (uint16_t)ports[i]);
		table_show(top->table, RANKED_KEY2, "%s", buf_text(&text));
	}
out:
	buf_fini(&text);
	free(ports);
	rank_fini(&list);
	return r;
}

static int top_asns(struct top *top)
{
	const struct store_param params[] = {
	    {.name = "from_day"},
	    {.name = "now_day"},
	    {.name = "to_day"},
	    {.name = "ranked", .kind = STORE_PARAM_SQL, .text = buf_text(&top->ranked)},
	};
	static const char *const key[] = {"asn", "AS番号", "AS"};
	struct rank_list list = {0};
	int r = ask_ranks(top, "cmd_top_asns", params, 4, RANK_KEY_NUMBER, &list);

	if (r != COMMAND_OK)
		return r;
	ranked_table(top, key, NULL);
	for (size_t i = 0; i < shown_count(top, &list); i++) {
		ranked_row(top, &list.items[i], false);
		table_set_uint(top->table, RANKED_KEY, list.items[i].key);
		if (list.items[i].key)
			table_show(top->table, RANKED_KEY, "AS%llu",
			    (unsigned long long)list.items[i].key);
		else
			table_show(top->table, RANKED_KEY, "%s",
			    top->style.language == PUBLISH_JA ? "不明" : "unknown");
	}
	rank_fini(&list);
	return COMMAND_OK;
}

/* ---- the subcommand ------------------------------------------------------------------------- */

enum note { /* footnotes that belong to a ranking */
	NOTE_ACCESS = 1 << 0,
	NOTE_CHANGES = 1 << 1,
	NOTE_SERVICES = 1 << 2,
	NOTE_COUNTRIES = 1 << 3,
	NOTE_PASSWORDS = 1 << 4,
	NOTE_SESSIONS = 1 << 5,
	NOTE_URLS = 1 << 6,
	NOTE_TOOLS = 1 << 7,
};

static const struct {
	const char *name;
	int (*run)(struct top *top);
	unsigned notes; /* enum note */
	enum ranked_of of;
} rankings[] = {
    {"ports", top_ports, NOTE_ACCESS | NOTE_CHANGES | NOTE_SERVICES},
    {"countries", top_countries, NOTE_ACCESS | NOTE_CHANGES | NOTE_COUNTRIES},
    {"asns", top_asns, NOTE_ACCESS | NOTE_CHANGES, RANKED_SOURCE_DAY},
    {"sources", top_sources, NOTE_ACCESS | NOTE_COUNTRIES},
    {"users", top_users, NOTE_CHANGES},
    {"passwords", top_passwords, NOTE_CHANGES | NOTE_PASSWORDS},
    {"logins", top_logins, NOTE_CHANGES | NOTE_PASSWORDS},
    {"protocols", top_protocols, NOTE_CHANGES | NOTE_SESSIONS},
    {"urls", top_urls, NOTE_CHANGES | NOTE_URLS},
    {"commands", top_commands, NOTE_CHANGES},
    {"payloads", top_payloads, NOTE_CHANGES},
    {"events", top_events, NOTE_CHANGES},
    {"signatures", top_signatures, NOTE_CHANGES},
    {"tools", top_tools, NOTE_ACCESS | NOTE_TOOLS},
};
#define RANKING_COUNT (sizeof(rankings) / sizeof(*rankings))

static void print_notes(const struct top *top, size_t ranking, struct buf *b)
{
	static const struct {
		enum note note;
		const char *ja;
		const char *en;
	} texts[] = {
	    {NOTE_ACCESS, "アクセス(接続等を求めるパケット)のみを集計",
	        "Counts access: packets that open something."},
	    {NOTE_SERVICES,
	        "サービス名はIANAの登録によるもので、通信の内容を示すものではありません",
	        "Service names are IANA's and do not say which protocol was spoken."},
	    {NOTE_COUNTRIES,
	        "送信元の国・地域は攻撃者の所在を示すものではありません(踏み台・詐称の可能性)",
	        "The country of a source does not say where an attacker is."},
	    {NOTE_SESSIONS,
	        "データの送信があった接続のみを集計(認証情報は、パスワード等が送られたもの)",
	        "Counts connections that carried data; credentials: a password, hash or key."},
	    {NOTE_URLS, "URLには接続しないでください(取得・確認は行っていません)",
	        "Do not open these URLs; they were never fetched."},
	    {NOTE_TOOLS,
	        "ツールは送信元ごと・日ごとの判定。種別間で重複があり、合計は全体と一致しません",
	        "Tools are judged per source and day; the other kinds overlap with them."},
	};
	bool ja = top->style.language == PUBLISH_JA;
	unsigned notes = rankings[ranking].notes;

	window_describe(&top->w, &top->style, b);
	if ((notes & NOTE_CHANGES) && top->w.panel_count > 0 &&
	    top->w.panel_count < top->w.sensors_now)
		buf_printf(b,
		    ja ? "※ 前期比・前期順位は両期間とも観測したセンサー%zu台によるもの\n"
		       : "Changes and ranks before are over the %zu sensors that observed in both "
		         "periods.\n",
		    top->w.panel_count);
	if (notes & NOTE_ACCESS && top->out & RANKED_WITHOUT_VICTIMS)
		buf_puts(b, ja ? "※ DoS攻撃の被害を受けたとみられるIPアドレス、反射元、設定誤りとみられるものを"
		                 "除く(--all-roles で表示)\n"
		               : "Without victims of DoS attacks, reflectors and mistakes (--all-roles "
		                 "shows them).\n");
	if (notes & NOTE_ACCESS && top->out & RANKED_WITHOUT_RESEARCH)
		buf_puts(b, ja ? "※ 調査目的のスキャンを除く\n" : "Without research scanners.\n");
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (notes & texts[i].note)
			buf_printf(b, ja ? "※ %s\n" : "%s\n", ja ? texts[i].ja : texts[i].en);
	if ((notes & NOTE_PASSWORDS) && !top->common.credentials)
		buf_puts(b, ja ? "※ パスワードは伏せています(--credentials で表示)\n"
		               : "Passwords are masked; --credentials shows them.\n");
}

/* Reads -n and --all; false after saying what is wrong. */
static bool parse_count(const struct top *top, const char *value, size_t *ret_n)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (value[0] < '0' || value[0] > '9' || *end || n < 1 || n > TOP_MAX) {
		command_error(top->self, "-n %s: a number from 1 to %d", value, TOP_MAX);
		return false;
	}
	*ret_n = n;
	return true;
}

/* Whether the configuration wants a ranking without victims and the like. */
static bool leaves_out(unsigned notes)
{
	const struct config *config = command_configuration();

	if (notes & NOTE_SERVICES)
		return config->report.ranking_ports == CONFIG_RANKING_ATTACKERS;
	return notes & NOTE_ACCESS && config->report.ranking_countries == CONFIG_RANKING_ATTACKERS;
}

static int run_ranking(struct top *top, const struct window_options *options, size_t ranking)
{
	struct buf b = {0};
	int r = window_open(top->self, options, &top->w);

	if (r != COMMAND_OK)
		return r;
	top->style = command_style(&top->common);
	if (top->n == 0)
		top->n = (size_t)command_configuration()->report.top_n;
	if (!top->all_roles && leaves_out(rankings[ranking].notes))
		top->out |= RANKED_WITHOUT_VICTIMS;
	ranked_put(&top->ranked, rankings[ranking].of, top->out);
	r = rankings[ranking].run(top);
	buf_fini(&top->ranked);
	if (r != COMMAND_OK)
		return r;
	table_print(top->table, &top->common, &b);
	if (top->common.format == COMMAND_HUMAN && !top->common.quiet)
		print_notes(top, ranking, &b);
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	return COMMAND_OK;
}

static int run(int argc, char **argv)
{
	static const char *const names[] = {WINDOW_OPTIONS, "-n=", "--all", "--all-roles",
	    "--no-research", NULL};
	struct top top = {.self = &command_top};
	struct window_options options = {0};
	const char *words[RANKING_COUNT + 1] = {NULL};
	const char *value;
	int index = 0;
	int option;
	int r;

	while ((option = command_option(
	            top.self, &top.common, argc, argv, &index, names, &value)) >= 0) {
		if (option < WINDOW_OPTION_COUNT) {
			if (!window_option(top.self, &options, option, value))
				return COMMAND_USAGE;
		} else if (option == OPTION_ALL) {
			top.n = TOP_MAX;
		} else if (option == OPTION_ALL_ROLES) {
			top.all_roles = true;
		} else if (option == OPTION_NO_RESEARCH) {
			top.out |= RANKED_WITHOUT_RESEARCH;
		} else if (!parse_count(&top, value, &top.n)) {
			return COMMAND_USAGE;
		}
	}
	if (option == COMMAND_OPTION_BAD)
		return COMMAND_USAGE;
	if (argc - index != 1) {
		command_error(top.self, "one of ports, countries, passwords … (teiten top -h)");
		return COMMAND_USAGE;
	}
	for (size_t i = 0; i < RANKING_COUNT; i++) {
		words[i] = rankings[i].name;
		if (strcmp(argv[index], rankings[i].name) != 0)
			continue;
		r = run_ranking(&top, &options, i);
		table_free(top.table);
		window_close(&top.w);
		return r;
	}
	command_error(
	    top.self, "no ranking of '%s'%s (teiten top -h lists them)", argv[index],
	    command_suggestion(argv[index], words));
	return COMMAND_USAGE;
}
