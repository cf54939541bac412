/* What one address spoke and tried; the contract is in who_records.h. */
#include "cmd/who_records.h"

#include "cmd/table.h"

#include <string.h>

#define TEXT_WIDTH_MAX 90 /* bytes of a command that people see */
#define LIST_COLUMNS_MAX 5

static const struct {
	const char *question;
	const char *name; /* in JSON */
	const char *ja;
	const char *en;
	const char *keys[LIST_COLUMNS_MAX]; /* of the columns, in JSON */
} lists[WHO_LISTS] = {
	[WHO_PROTOCOLS] = {"cmd_who_protocols", "protocols", "プロトコル", "protocols",
	    {"protocol", "sessions", "software"}},
	[WHO_LOGINS] = {"cmd_who_logins", "logins", "認証の試行", "logins",
	    {"protocol", "user", "password", "secret", "count"}},
	[WHO_COMMANDS] = {"cmd_who_commands", "commands", "コマンド", "commands",
	    {"protocol", "command", "count"}},
	[WHO_PAYLOADS] = {"cmd_who_payloads", "payloads", "ファイル等", "payloads",
	    {"sha256", "kind", "cpu", "size", "count"}},
	[WHO_ALERTS] = {"cmd_who_alerts", "alerts", "アラート", "alerts",
	    {"sid", "msg", "class", "count", "sessions"}},
};

int who_records_load(struct who_records *records, struct window *w, const char *hi,
    const char *lo, size_t n, struct err *err)
{
	const struct store_param params[] = {
		{.name = "hi", .kind = STORE_PARAM_SQL, .text = hi},
		{.name = "lo", .kind = STORE_PARAM_SQL, .text = lo},
		{.name = "n", .kind = STORE_PARAM_INT, .int_value = (int64_t)n},
	};
	int r = ST_OK;

	for (int i = 0; r == ST_OK && i < WHO_LISTS; i++)
		r = window_ask(w, lists[i].question, params, 3, &records->lists[i], err);
	return r;
}

void who_records_fini(struct who_records *records)
{
	for (int i = 0; i < WHO_LISTS; i++)
		store_result_free(records->lists[i]);
}

/* ---- programs ------------------------------------------------------------------------------- */

static void json_cell(const struct store_result *list, size_t row, size_t column, struct buf *b)
{
	const char *text = store_result_text(list, row, column);

	if (store_result_type(list, column) == STORE_TYPE_TEXT)
		table_json_string(b, text, strlen(text));
	else
		buf_printf(b, "%llu", (unsigned long long)store_result_uint(list, row, column));
}

void who_records_json(const struct who_records *records, struct buf *b)
{
	for (int i = 0; i < WHO_LISTS; i++) {
		const struct store_result *list = records->lists[i];

		buf_printf(b, "%s   \"%s\": [", i ? ",\n" : "", lists[i].name);
		for (size_t row = 0; row < store_result_rows(list); row++) {
			buf_puts(b, row ? ", {" : "{");
			for (size_t c = 0; c < LIST_COLUMNS_MAX && lists[i].keys[c]; c++) {
				buf_printf(b, "%s\"%s\": ", c ? ", " : "", lists[i].keys[c]);
				json_cell(list, row, c, b);
			}
			buf_putc(b, '}');
		}
		buf_putc(b, ']');
	}
}

/* ---- people --------------------------------------------------------------------------------- */

/* Captured text on a terminal: no control characters, and not longer than a line. */
static void put_text(const char *text, struct buf *b)
{
	size_t len = strlen(text);
	size_t cut = len > TEXT_WIDTH_MAX ? TEXT_WIDTH_MAX : len;

	while (cut && cut < len && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	table_safe_text(b, text, cut);
	if (cut < len)
		buf_puts(b, "…");
}

static void put_times(const struct publish_style *style, uint64_t count, struct buf *b)
{
	buf_puts(b, "  ");
	publish_number(b, (double)count, 0);
	if (style->language == PUBLISH_JA)
		buf_puts(b, "件");
	else
		buf_puts(b, count == 1 ? " time" : " times");
}

static void put_login(const struct who_records *records, const struct publish_style *style,
    const struct store_result *list, size_t row, struct buf *b)
{
	const char *password = store_result_text(list, row, 2);

	publish_protocol(b, style, store_result_text(list, row, 0));
	buf_puts(b, "  ");
	put_text(store_result_text(list, row, 1), b);
	buf_puts(b, " / ");
	if (records->credentials && password[0])
		put_text(password, b);
	else
		publish_password(b, style, password, store_result_text(list, row, 3));
	put_times(style, store_result_uint(list, row, 4), b);
}

static void put_payload(const struct publish_style *style, const struct store_result *list,
    size_t row, struct buf *b)
{
	put_text(store_result_text(list, row, 0), b);
	for (size_t c = 1; c <= 2; c++) {
		if (!store_result_text(list, row, c)[0])
			continue;
		buf_putc(b, ' ');
		put_text(store_result_text(list, row, c), b);
	}
	buf_putc(b, ' ');
	publish_number(b, (double)store_result_uint(list, row, 3), 0);
	buf_puts(b, style->language == PUBLISH_JA ? "バイト" : " bytes");
	put_times(style, store_result_uint(list, row, 4), b);
}

static void put_row(const struct who_records *records, const struct publish_style *style,
    enum who_list which, size_t row, struct buf *b)
{
	const struct store_result *list = records->lists[which];

	switch (which) {
	case WHO_PROTOCOLS:
		publish_protocol(b, style, store_result_text(list, row, 0));
		put_times(style, store_result_uint(list, row, 1), b);
		if (store_result_text(list, row, 2)[0]) {
			buf_puts(b, "  ");
			put_text(store_result_text(list, row, 2), b);
		}
		break;
	case WHO_LOGINS:
		put_login(records, style, list, row, b);
		break;
	case WHO_COMMANDS:
		publish_protocol(b, style, store_result_text(list, row, 0));
		buf_puts(b, "  ");
		put_text(store_result_text(list, row, 1), b);
		put_times(style, store_result_uint(list, row, 2), b);
		break;
	case WHO_PAYLOADS:
		put_payload(style, list, row, b);
		break;
	case WHO_ALERTS:
		buf_printf(b, "%llu  ", (unsigned long long)store_result_uint(list, row, 0));
		put_text(store_result_text(list, row, 1), b);
		put_times(style, store_result_uint(list, row, 3), b);
		break;
	case WHO_LISTS:
		break;
	}
}

void who_records_people(const struct who_records *records, const struct publish_style *style,
    void (*heading)(void *arg, const char *ja, const char *en, struct buf *b), void *arg,
    struct buf *b)
{
	for (int i = 0; i < WHO_LISTS; i++) {
		for (size_t row = 0; row < store_result_rows(records->lists[i]); row++) {
			heading(arg, row ? "" : lists[i].ja, row ? "" : lists[i].en, b);
			put_row(records, style, (enum who_list)i, row, b);
			buf_putc(b, '\n');
		}
	}
	if (store_result_rows(records->lists[WHO_LOGINS]) && !records->credentials)
		buf_puts(b, style->language == PUBLISH_JA
		        ? "※ パスワードは伏せています(--credentials で表示)\n"
		        : "Passwords are masked; --credentials shows them.\n");
}
