/* Protocols, events and logins of the analysis document; the contract is in analysis_visits.h. */
#include "cmd/analysis_visits.h"

#include "base/utf8.h"
#include "cmd/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_streams(const void *va, const void *vb)
{
	const struct analysis_protocol *a = va;
	const struct analysis_protocol *b = vb;

	if (a->streams != b->streams)
		return a->streams > b->streams ? -1 : 1;
	return strcmp(a->name, b->name);
}

int analysis_protocols(const struct pipeline *pipeline, struct analysis_protocol **ret_list,
    size_t *ret_count)
{
	const struct visitors *v = pipeline_visitors(pipeline);
	struct analysis_protocol *list = NULL;
	size_t count = 0;
	size_t cap = 0;
	const char *name;

	for (uint16_t i = 0; *(name = visitors_protocol(v, i)); i++) {
		uint64_t streams = sessions_protocol_count(visitors_sessions(v), i);

		if (streams == 0)
			continue;
		if (count == cap) {
			struct analysis_protocol *more;

			cap = cap ? cap * 2 : 32;
			more = realloc(list, cap * sizeof(*list));
			if (!more) {
				free(list);
				return -ENOMEM;
			}
			list = more;
		}
		list[count].name = name;
		list[count++].streams = streams;
	}
	if (count > 0)
		qsort(list, count, sizeof(*list), by_streams);
	*ret_list = list;
	*ret_count = count;
	return ST_OK;
}

static int compare_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : a_len < b_len ? -1 : a_len > b_len;
}

static int by_count(const void *va, const void *vb)
{
	const struct login_count *a = *(const struct login_count *const *)va;
	const struct login_count *b = *(const struct login_count *const *)vb;
	int order;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	order = compare_text(a->user, a->user_len, b->user, b->user_len);
	if (order == 0)
		order = compare_text(a->password, a->password_len, b->password, b->password_len);
	return order ? order : ip_compare(a->source, b->source);
}

int analysis_logins(const struct pipeline *pipeline, const struct login_count ***ret_list,
    size_t *ret_count)
{
	const struct logins *logins = sessions_logins(visitors_sessions(pipeline_visitors(pipeline)));
	size_t count = logins_count(logins);
	const struct login_count **list = calloc(count ? count : 1, sizeof(const struct login_count *));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		list[i] = logins_at(logins, i);
	qsort(list, count, sizeof(const struct login_count *), by_count);
	*ret_list = list;
	*ret_count = count;
	return ST_OK;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *text_json(const char *text, size_t len)
{
	struct buf b = {0};
	json_t *json;

	utf8_append_valid(&b, text, len);
	json = json_stringn(buf_text(&b), b.len);
	buf_fini(&b);
	return json;
}

static int protocols_json(json_t *doc, const struct analysis_view *view)
{
	struct analysis_protocol *list;
	json_t *array = json_array();
	size_t count;

	if (analysis_protocols(view->pipeline, &list, &count)) {
		json_decref(array);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count && (view->all || i < ANALYSIS_TOP); i++)
		json_array_append_new(array, json_pack("{s:s,s:I}", "protocol", list[i].name, "streams",
		    (json_int_t)list[i].streams));
	free(list);
	json_object_set_new(doc, "protocols", array);
	return ST_OK;
}

static void events_json(json_t *doc, const struct analysis_view *view)
{
	const struct sessions *sessions = visitors_sessions(pipeline_visitors(view->pipeline));
	json_t *events = json_object();
	char name[128];

	for (unsigned m = 0; m < protocol_module_count; m++) {
		const struct protocol_module *module = protocol_modules[m];

		for (unsigned e = 0; e < module->event_count; e++) {
			uint64_t count = sessions_event_count(sessions, m, e);

			(void)snprintf(name, sizeof(name), "%s.%s", module->name, module->events[e].name);
			if (count > 0)
				json_object_set_new(events, name, json_integer((json_int_t)count));
		}
	}
	json_object_set_new(doc, "events", events);
}

static int logins_json(json_t *doc, const struct analysis_view *view)
{
	const struct login_count **list;
	json_t *array = json_array();
	size_t count;
	char ip[IP_TEXT_MAX];

	if (analysis_logins(view->pipeline, &list, &count)) {
		json_decref(array);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count && (view->all || i < ANALYSIS_TOP); i++)
		json_array_append_new(array, json_pack("{s:s,s:o,s:o,s:s,s:I}",
		    "protocol", visitors_protocol(pipeline_visitors(view->pipeline), list[i]->protocol),
		    "user", text_json(list[i]->user, list[i]->user_len),
		    "password", text_json(list[i]->password, list[i]->password_len),
		    "source", ip_format(list[i]->source, ip), "count", (json_int_t)list[i]->count));
	free(list);
	json_object_set_new(doc, "logins", array);
	return ST_OK;
}

/* Where streams were cut short, said so that a count that is too low is not taken for the truth. */
static void streams_json(json_t *doc, const struct analysis_view *view)
{
	const struct visitors *v = pipeline_visitors(view->pipeline);
	const struct stream_counters *c = visitors_counters(v);
	const struct session_counters *s = sessions_counters(visitors_sessions(v));

	json_object_set_new(doc, "streams", json_pack(
	    "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
	    "tcp", (json_int_t)c->opened[0], "udp", (json_int_t)c->opened[1],
	    "midstream", (json_int_t)c->midstream, "overlaps", (json_int_t)c->overlaps,
	    "gaps", (json_int_t)c->gaps, "gap_bytes", (json_int_t)c->gap_bytes,
	    "identified", (json_int_t)s->identified, "unknown", (json_int_t)s->unknown,
	    "no_room", (json_int_t)(c->no_room + s->no_room),
	    "logins_uncounted",
	    (json_int_t)logins_uncounted(sessions_logins(visitors_sessions(v)))));
}

int analysis_visits_json(json_t *doc, const struct analysis_view *view)
{
	int rc = protocols_json(doc, view);

	events_json(doc, view);
	if (!rc)
		rc = logins_json(doc, view);
	streams_json(doc, view);
	return rc;
}

/* ---- for people ----------------------------------------------------------------------------- */

static void finish_table(struct table *table, const struct command_common *common, struct buf *b)
{
	buf_putc(b, '\n');
	table_print(table, common, b);
	table_free(table);
}

static int protocols_text(struct buf *b, const struct analysis_view *view,
    const struct publish_style *style, const struct command_common *common)
{
	static const struct table_column columns[] = {
		{"protocol", "通信内容(最初のデータから判定)", "Spoken (told from the first bytes)", TABLE_TEXT,
		    TABLE_ALL},
		{"streams", "セッション", "Sessions", TABLE_INT, TABLE_ALL},
	};
	struct analysis_protocol *list;
	struct table *table;
	size_t count;

	if (analysis_protocols(view->pipeline, &list, &count))
		return -ENOMEM;
	table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < count && (view->all || i < ANALYSIS_TOP); i++) {
		struct buf name = {0};

		publish_protocol(&name, style, list[i].name);
		table_row(table);
		table_set_text(table, 0, buf_text(&name));
		table_set_count(table, 1, list[i].streams);
		buf_fini(&name);
	}
	free(list);
	if (count > 0)
		finish_table(table, common, b);
	else
		table_free(table);
	return ST_OK;
}

static void set_bytes(struct table *table, size_t column, const char *text, size_t len)
{
	struct buf b = {0};

	buf_append(&b, text, len);
	table_set_text(table, column, buf_text(&b));
	buf_fini(&b);
}

static void set_password(struct table *table, size_t column, const struct login_count *login,
    const struct publish_style *style, const struct command_common *common)
{
	struct buf plain = {0};
	struct buf masked = {0};

	buf_append(&plain, login->password, login->password_len);
	publish_password(&masked, style, buf_text(&plain), login->password_len ? "password" : "none");
	table_set_text(table, column, common->credentials ? buf_text(&plain) : buf_text(&masked));
	buf_fini(&plain);
	buf_fini(&masked);
}

static int logins_text(struct buf *b, const struct analysis_view *view,
    const struct publish_style *style, const struct command_common *common)
{
	static const struct table_column columns[] = {
		{"protocol", "プロトコル", "Protocol", TABLE_TEXT, TABLE_ALL},
		{"user", "ID", "User", TABLE_TEXT, TABLE_ALL},
		{"password", "パスワード", "Password", TABLE_TEXT, TABLE_ALL},
		{"source", "送信元", "Source", TABLE_TEXT, TABLE_ALL},
		{"count", "試行", "Attempts", TABLE_INT, TABLE_ALL},
	};
	const struct login_count **list;
	struct table *table;
	size_t count;
	char ip[IP_TEXT_MAX];

	if (analysis_logins(view->pipeline, &list, &count))
		return -ENOMEM;
	table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < count && (view->all || i < ANALYSIS_TOP); i++) {
		struct buf name = {0};

		publish_protocol(&name, style,
		    visitors_protocol(pipeline_visitors(view->pipeline), list[i]->protocol));
		table_row(table);
		table_set_text(table, 0, buf_text(&name));
		set_bytes(table, 1, list[i]->user, list[i]->user_len);
		set_password(table, 2, list[i], style, common);
		table_set_text(table, 3, ip_format(list[i]->source, ip));
		table_set_count(table, 4, list[i]->count);
		buf_fini(&name);
	}
	free(list);
	if (count > 0)
		finish_table(table, common, b);
	else
		table_free(table);
	return ST_OK;
}

int analysis_visits_text(struct buf *b, const struct analysis_view *view,
    const struct publish_style *style, const struct command_common *common)
{
	int rc = protocols_text(b, view, style, common);

	return rc ? rc : logins_text(b, view, style, common);
}
