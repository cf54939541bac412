/*
 * Rankings of what visitors spoke and tried: users, passwords, protocols, URLs, commands, payloads,
 * events.
 *
 * The engine ranks (count, then sources, then the key) and gives at most the rows that are shown.
 * The rank before is the row's place in the same question over the previous period, on the sensors
 * that observed in both.  Passwords are masked for people unless --credentials; sources are counted
 * with IPv6 by /64.
 */
#include "cmd/top.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 3
#define KEY_WIDTH_MAX 64 /* display columns of a key for people */

/* One ranking; the key columns are the first ones of its question. */
struct ranking {
	const char *question;
	const char *table;
	const char *key;   /* SQL of the key columns */
	const char *which; /* SQL condition */
	const char *more;  /* SQL of further columns, with a comma in front, or "" */
	unsigned keys;
	bool sources; /* the question counts them */
	struct table_column columns[KEYS_MAX + 4]; /* of the key, then of the further columns */
	unsigned more_count;
	/* Shows the key of a row to people, when it is not the plain text; may be NULL. */
	void (*show)(struct top *top, size_t first, const struct store_result *result, size_t row);
};

/* Columns that every table has, before and behind the key. */
enum {
	COLUMN_RANK,
	COLUMN_BEFORE,
	COLUMN_KEY,
};

enum { /* behind the key */
	BEHIND_COUNT,
	BEHIND_SOURCES,
	BEHIND_SENSORS,
	BEHIND_SENSORS_TOTAL,
	BEHIND_SHARE,
	BEHIND_COLUMNS,
};

/* Appends the numbers of the sensors of a period; nothing matches -1. */
static void put_sensors(const struct window *w, bool panel, struct buf *b)
{
	for (size_t i = 0; i < w->sensor_count; i++)
		if (panel ? w->panel[i] : w->sensors[i].now.days > 0)
			buf_printf(b, "%s%u", b->len ? "," : "", (unsigned)w->sensors[i].id);
	if (!b->len)
		buf_puts(b, "-1");
}

/* Asks over one of the two periods; with_n: the question has a LIMIT, the other a total. */
static int ask(struct top *top, const struct ranking *ranking, const char *question, bool before,
    bool limited, struct store_result **ret_result)
{
	struct store_param params[9];
	struct buf among = {0};
	struct err err = {0};
	size_t count = 0;
	int r;

	put_sensors(&top->w, before, &among);
	params[count++] = (struct store_param){.name = "begin", .kind = STORE_PARAM_TIME,
	    .int_value = before ? top->w.from_us : top->w.now_us};
	params[count++] = (struct store_param){.name = "end", .kind = STORE_PARAM_TIME,
	    .int_value = before ? top->w.now_us : top->w.to_us};
	params[count++] = (struct store_param){.name = "among", .kind = STORE_PARAM_SQL,
	    .text = buf_text(&among)};
	if (limited)
		params[count++] = (struct store_param){.name = "n", .kind = STORE_PARAM_INT,
		    .int_value = (int64_t)top->n};
	if (ranking && ranking->table) {
		params[count++] = (struct store_param){.name = "table", .kind = STORE_PARAM_SQL,
		    .text = ranking->table};
		params[count++] = (struct store_param){.name = "which", .kind = STORE_PARAM_SQL,
		    .text = ranking->which};
	}
	if (ranking && ranking->table && limited) {
		params[count++] = (struct store_param){.name = "key", .kind = STORE_PARAM_SQL,
		    .text = ranking->key};
		params[count++] = (struct store_param){.name = "more", .kind = STORE_PARAM_SQL,
		    .text = ranking->more};
	}
	r = window_ask(&top->w, question, params, count, ret_result, &err);
	buf_fini(&among);
	if (r < 0) {
		command_error(top->self, "%s", err.text);
		return COMMAND_FAILED;
	}
	return COMMAND_OK;
}

/* ---- ranks before --------------------------------------------------------------------------- */

static int compare_keys(const struct store_result *a, size_t row_a, const struct store_result *b,
    size_t row_b, unsigned keys)
{
	int order = 0;

	for (unsigned k = 0; order == 0 && k < keys; k++) {
		uint64_t x = store_result_uint(a, row_a, k); /* 0 for a text */
		uint64_t y = store_result_uint(b, row_b, k);

		order = x != y ? (x < y ? -1 : 1)
		    : strcmp(store_result_text(a, row_a, k), store_result_text(b, row_b, k));
	}
	return order;
}

struct old_row {
	const struct store_result *result;
	size_t row;
	unsigned keys;
};

static int compare_old(const void *pa, const void *pb)
{
	const struct old_row *a = pa;
	const struct old_row *b = pb;

	return compare_keys(a->result, a->row, b->result, b->row, a->keys);
}

/* The rows of the previous period sorted by key, for looking up. */
static struct old_row *sort_old(const struct store_result *before, unsigned keys)
{
	size_t count = store_result_rows(before);
	struct old_row *rows = command_need(calloc(count + 1, sizeof(*rows)));

	for (size_t i = 0; i < count; i++)
		rows[i] = (struct old_row){before, i, keys};
	qsort(rows, count, sizeof(*rows), compare_old);
	return rows;
}

static unsigned rank_before(const struct old_row *rows, size_t count,
    const struct store_result *now, size_t row, unsigned keys)
{
	const struct old_row wanted = {now, row, keys};
	const struct old_row *found = bsearch(&wanted, rows, count, sizeof(*rows), compare_old);

	return found ? (unsigned)found->row + 1 : 0;
}

/* ---- the table ------------------------------------------------------------------------------ */

static void make_table(struct top *top, const struct ranking *ranking)
{
	const char *sources = top->style.source_hasshin ? "発信元" : "送信元";
	size_t at = 0;

	top->columns[at++] =
	    (struct table_column){"rank", "順位(前期)", "rank (before)", TABLE_TEXT, TABLE_ALL};
	top->columns[at++] =
	    (struct table_column){"previous_rank", NULL, NULL, TABLE_INT, TABLE_PROGRAMS};
	for (unsigned k = 0; k < ranking->keys; k++)
		top->columns[at++] = ranking->columns[k];
	top->columns[at++] = (struct table_column){"count", "件数", "count", TABLE_INT, TABLE_ALL};
	top->columns[at++] = (struct table_column){ranking->sources ? "sources" : NULL, sources,
	    "sources", TABLE_INT, TABLE_ALL};
	top->columns[at++] =
	    (struct table_column){"sensors", "センサー", "sensors", TABLE_INT, TABLE_ALL};
	top->columns[at++] =
	    (struct table_column){"sensors_total", NULL, NULL, TABLE_INT, TABLE_PROGRAMS};
	top->columns[at++] = (struct table_column){"share", "割合", "share", TABLE_REAL, TABLE_ALL};
	for (unsigned m = 0; m < ranking->more_count; m++)
		top->columns[at++] = ranking->columns[ranking->keys + m];
	top->table = table_new(top->columns, at);
}

static void show_number(struct top *top, size_t column, double value)
{
	struct buf text = {0};

	publish_number(&text, value, 0);
	table_show(top->table, column, "%s", buf_text(&text));
	buf_fini(&text);
}

/* At most KEY_WIDTH_MAX columns of a text, for people. */
static void show_short(struct top *top, size_t column, const char *text)
{
	size_t len = strlen(text);
	size_t cut = len;

	while (cut && publish_width(&top->style, text, cut) > KEY_WIDTH_MAX) {
		cut = cut > 4 * KEY_WIDTH_MAX ? 4 * KEY_WIDTH_MAX : cut - 1;
		while (cut && ((unsigned char)text[cut] & 0xc0) == 0x80)
			cut--;
	}
	table_show(top->table, column, "%.*s%s", (int)cut, text, cut < len ? "…" : "");
}

static void set_cell(struct top *top, size_t column, const struct store_result *result, size_t row,
    size_t from)
{
	if (store_result_type(result, from) == STORE_TYPE_TEXT) {
		table_set_text(top->table, column, store_result_text(result, row, from));
		show_short(top, column, store_result_text(result, row, from));
	} else if (!store_result_null(result, row, from)) {
		table_set_uint(top->table, column, store_result_uint(result, row, from));
		show_number(top, column, (double)store_result_uint(result, row, from));
	}
}

static void put_row(struct top *top, const struct ranking *ranking,
    const struct store_result *result, size_t row, double total)
{
	size_t key_end = COLUMN_KEY + ranking->keys;
	size_t from = ranking->keys;
	double count = store_result_real(result, row, from);
	double share = total > 0 ? 100 * count / total : 0;
	uint64_t sensors;

	for (unsigned k = 0; k < ranking->keys; k++)
		set_cell(top, COLUMN_KEY + k, result, row, k);
	if (ranking->show)
		ranking->show(top, COLUMN_KEY, result, row);
	set_cell(top, key_end + BEHIND_COUNT, result, row, from++);
	if (ranking->sources)
		set_cell(top, key_end + BEHIND_SOURCES, result, row, from++);
	sensors = store_result_uint(result, row, from++);
	table_set_uint(top->table, key_end + BEHIND_SENSORS, sensors);
	table_show(top->table, key_end + BEHIND_SENSORS, "%llu/%zu", (unsigned long long)sensors,
	    top->w.sensors_now);
	table_set_int(top->table, key_end + BEHIND_SENSORS_TOTAL, (int64_t)top->w.sensors_now);
	table_set_real(top->table, key_end + BEHIND_SHARE, share);
	table_show(top->table, key_end + BEHIND_SHARE, "%.1f%%", share);
	for (unsigned m = 0; from < store_result_columns(result); m++, from++)
		set_cell(top, key_end + BEHIND_COLUMNS + m, result, row, from);
}

static int load_total(struct top *top, const struct ranking *ranking,
    const struct store_result *now, double *ret_total)
{
	struct store_result *result = NULL;
	int r;

	if (store_result_rows(now) < top->n) { /* all of them are here */
		*ret_total = 0;
		for (size_t i = 0; i < store_result_rows(now); i++)
			*ret_total += store_result_real(now, i, ranking->keys);
		return COMMAND_OK;
	}
	r = ask(top, ranking, ranking->table ? "cmd_top_records_all" : "cmd_top_events_all", false,
	    false, &result);
	if (r == COMMAND_OK)
		*ret_total = store_result_real(result, 0, 0);
	store_result_free(result);
	return r;
}

/* Fills the table; `finish` may add cells to the row just made. */
static int rank(struct top *top, const struct ranking *ranking,
    void (*finish)(struct top *top, const struct store_result *row_of, size_t row, void *arg),
    void *arg)
{
	struct store_result *now = NULL;
	struct store_result *before = NULL;
	struct old_row *old = NULL;
	double total = 0;
	int r = ask(top, ranking, ranking->question, false, true, &now);

	if (r == COMMAND_OK && top->w.panel_count > 0)
		r = ask(top, ranking, ranking->question, true, true, &before);
	if (r == COMMAND_OK)
		r = load_total(top, ranking, now, &total);
	if (r != COMMAND_OK)
		goto out;
	make_table(top, ranking);
	old = before ? sort_old(before, ranking->keys) : NULL;
	for (size_t i = 0; i < store_result_rows(now); i++) {
		unsigned was =
		    old ? rank_before(old, store_result_rows(before), now, i, ranking->keys) : 0;
		/* Everything that was there before is in `before` when it is shorter than n. */
		bool is_new = !was && before && store_result_rows(before) < top->n;

		table_row(top->table);
		table_set_int(top->table, COLUMN_RANK, (int64_t)i + 1);
		top_show_rank(top, COLUMN_RANK, (unsigned)i + 1, was, is_new);
		if (was)
			table_set_int(top->table, COLUMN_BEFORE, was);
		put_row(top, ranking, now, i, total);
		if (finish)
			finish(top, now, i, arg);
	}
out:
	free(old);
	store_result_free(before);
	store_result_free(now);
	return r;
}

/* ---- the rankings --------------------------------------------------------------------------- */

static void show_user(struct top *top, size_t column, const char *user)
{
	if (!user[0])
		table_show(top->table, column, "%s",
		    top->style.language == PUBLISH_JA ? "(空欄)" : "(empty)");
}

static void show_password(
    struct top *top, size_t column, const char *text, const char *secret)
{
	struct buf masked = {0};

	if (top->common.credentials && text[0])
		return;
	publish_password(&masked, &top->style, text, secret);
	table_show(top->table, column, "%s", buf_text(&masked));
	buf_fini(&masked);
}

static void show_protocol(struct top *top, size_t column, const char *name)
{
	struct buf words = {0};

	publish_protocol(&words, &top->style, name);
	table_show(top->table, column, "%s", buf_text(&words));
	buf_fini(&words);
}

int top_users(struct top *top)
{
	static const struct ranking ranking = {.question = "cmd_top_records", .table = "login",
	    .key = "\"user\"", .which = "\"user\" <> ''", .more = "", .keys = 1, .sources = true,
	    .columns = {{"user", "ID", "user", TABLE_TEXT, TABLE_ALL}}};

	return rank(top, &ranking, NULL, NULL);
}

static void show_password_key(
    struct top *top, size_t first, const struct store_result *result, size_t row)
{
	show_password(top, first, store_result_text(result, row, 0), "password");
}

int top_passwords(struct top *top)
{
	static const struct ranking ranking = {.question = "cmd_top_records", .table = "login",
	    .key = "password", .which = "secret = 'password'", .more = "", .keys = 1,
	    .sources = true, .show = show_password_key,
	    .columns = {{"password", "パスワード", "password", TABLE_TEXT, TABLE_ALL}}};

	return rank(top, &ranking, NULL, NULL);
}

static void show_login(struct top *top, size_t first, const struct store_result *result, size_t row)
{
	show_protocol(top, first, store_result_text(result, row, 0));
	show_user(top, first + 1, store_result_text(result, row, 1));
}

static void finish_login(
    struct top *top, const struct store_result *result, size_t row, void *arg)
{
	(void)arg;
	/* The last column says what the password column holds. */
	show_password(top, COLUMN_KEY + 2, store_result_text(result, row, 2),
	    store_result_text(result, row, store_result_columns(result) - 1));
}

int top_logins(struct top *top)
{
	static const struct ranking ranking = {.question = "cmd_top_records", .table = "login",
	    .key = "protocol, \"user\", password", .which = "1 = 1",
	    .more = ", max(secret) AS kept", .keys = 3, .sources = true, .show = show_login, .more_count = 1,
	    .columns = {{"protocol", "プロトコル", "protocol", TABLE_TEXT, TABLE_ALL},
	        {"user", "ID", "user", TABLE_TEXT, TABLE_ALL},
	        {"password", "パスワード", "password", TABLE_TEXT, TABLE_ALL},
	        {"secret", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS}}};

	return rank(top, &ranking, finish_login, NULL);
}

static void show_protocol_key(
    struct top *top, size_t first, const struct store_result *result, size_t row)
{
	show_protocol(top, first, store_result_text(result, row, 0));
}

/* Behind the shared columns of the protocols: sessions that tried a login, and logins. */
enum {
	PROTOCOL_WITH = COLUMN_KEY + 1 + BEHIND_COLUMNS,
	PROTOCOL_WITHOUT,
	PROTOCOL_LOGINS,
	PROTOCOL_LOGINS_WITH,
	PROTOCOL_LOGINS_WITHOUT,
};

static void set_count(struct top *top, size_t column, uint64_t value)
{
	table_set_uint(top->table, column, value);
	show_number(top, column, (double)value);
}

static void finish_protocol(
    struct top *top, const struct store_result *result, size_t row, void *arg)
{
	const struct store_result *logins = arg;
	uint64_t sessions = store_result_uint(result, row, 1);
	uint64_t with = store_result_uint(result, row, store_result_columns(result) - 1);
	uint64_t all = 0;
	uint64_t known = 0;

	for (size_t i = 0; i < store_result_rows(logins); i++) {
		if (strcmp(store_result_text(logins, i, 0), store_result_text(result, row, 0)) != 0)
			continue;
		all = store_result_uint(logins, i, 1);
		known = store_result_uint(logins, i, 2);
	}
	set_count(top, PROTOCOL_WITHOUT, sessions - with);
	set_count(top, PROTOCOL_LOGINS, all);
	set_count(top, PROTOCOL_LOGINS_WITH, known);
	set_count(top, PROTOCOL_LOGINS_WITHOUT, all - known);
}

int top_protocols(struct top *top)
{
	static const struct ranking ranking = {.question = "cmd_top_records", .table = "session",
	    .key = "protocol", .which = "1 = 1",
	    .more = ", sum(CASE WHEN logins > 0 THEN 1 ELSE 0 END) AS sessions_with", .keys = 1,
	    .sources = true, .show = show_protocol_key, .more_count = 5,
	    .columns = {{"protocol", "プロトコル", "protocol", TABLE_TEXT, TABLE_ALL},
	        {"sessions_with_login", "うち認証試行あり", "with login", TABLE_INT, TABLE_ALL},
	        {"sessions_without_login", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
	        {"logins", "認証試行", "logins", TABLE_INT, TABLE_ALL},
	        {"logins_with_credentials", "うち認証情報あり", "with credentials", TABLE_INT,
	            TABLE_ALL},
	        {"logins_without_credentials", "なし", "without", TABLE_INT, TABLE_ALL}}};
	struct store_result *logins = NULL;
	int r = ask(top, NULL, "cmd_top_protocol_logins", false, false, &logins);

	if (r == COMMAND_OK)
		r = rank(top, &ranking, finish_protocol, logins);
	store_result_free(logins);
	return r;
}

int top_urls(struct top *top)
{
	static const struct ranking ranking = {.question = "cmd_top_records",
	    .table = "(SELECT time, sensor, src_hi, src_lo, arrayJoin(splitByLines(urls)) AS url "
	             "FROM command WHERE urls <> '') AS lines",
	    .key = "url", .which = "url <> ''", .more = "", .keys = 1, .sources = true,
	    .columns = {{"url", "URL", "URL", TABLE_TEXT, TABLE_ALL}}};

	return rank(top, &ranking, NULL, NULL);
}

static void show_command(
    struct top *top, size_t first, const struct store_result *result, size_t row)
{
	show_protocol(top, first, store_result_text(result, row, 0));
}

int top_commands(struct top *top)
{
	static const struct ranking ranking = {.question = "cmd_top_records", .table = "command",
	    .key = "protocol, text", .which = "1 = 1", .more = "", .keys = 2, .sources = true,
	    .show = show_command,
	    .columns = {{"protocol", "プロトコル", "protocol", TABLE_TEXT, TABLE_ALL},
	        {"command", "コマンド", "command", TABLE_TEXT, TABLE_ALL}}};

	return rank(top, &ranking, NULL, NULL);
}

int top_payloads(struct top *top)
{
	static const struct ranking ranking = {.question = "cmd_top_records", .table = "payload",
	    .key = "sha256", .which = "1 = 1",
	    .more = ", max(size) AS bytes, max(kind) AS what, max(cpu) AS machine",
	    .keys = 1, .sources = true, .more_count = 3,
	    .columns = {{"sha256", "SHA-256", "SHA-256", TABLE_TEXT, TABLE_ALL},
	        {"size", "大きさ(バイト)", "bytes", TABLE_INT, TABLE_ALL},
	        {"kind", "種類", "kind", TABLE_TEXT, TABLE_ALL},
	        {"cpu", "CPU", "CPU", TABLE_TEXT, TABLE_ALL}}};

	return rank(top, &ranking, NULL, NULL);
}

static void show_event(struct top *top, size_t first, const struct store_result *result, size_t row)
{
	struct buf words = {0};

	publish_event(&words, &top->style, store_result_text(result, row, 0),
	    store_result_text(result, row, 1));
	show_short(top, first, buf_text(&words));
	buf_reset(&words);
	buf_printf(&words, "%s.%s", store_result_text(result, row, 0),
	    store_result_text(result, row, 1));
	table_show(top->table, first + 1, "%s", buf_text(&words));
	buf_fini(&words);
}

int top_events(struct top *top)
{
	static const struct ranking ranking = {.question = "cmd_top_events", .keys = 2,
	    .show = show_event,
	    .columns = {{"protocol", "事象", "event", TABLE_TEXT, TABLE_ALL},
	        {"event", "名称", "name", TABLE_TEXT, TABLE_ALL}}};

	return rank(top, &ranking, NULL, NULL);
}

static void show_signature(
    struct top *top, size_t first, const struct store_result *result, size_t row)
{
	table_show(top->table, first + 1, "%llu",
	    (unsigned long long)store_result_uint(result, row, 1));
}

int top_signatures(struct top *top)
{
	static const struct ranking ranking = {.question = "cmd_top_records", .table = "alert",
	    .key = "gid, sid", .which = "1 = 1",
	    .more = ", min(severity) AS worst, max(class) AS kind, max(msg) AS message", .keys = 2,
	    .sources = true, .show = show_signature, .more_count = 3,
	    .columns = {{"gid", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
	        {"sid", "シグネチャID", "signature", TABLE_INT, TABLE_ALL},
	        {"severity", "重大度", "severity", TABLE_INT, TABLE_ALL},
	        {"class", "種別", "class", TABLE_TEXT, TABLE_ALL},
	        {"msg", "シグネチャ", "message", TABLE_TEXT, TABLE_ALL}}};

	return rank(top, &ranking, NULL, NULL);
}
