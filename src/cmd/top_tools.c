/*
 * teiten top tools: which scanners and bots the sources of access use, what gives others away
 * although no header does, and programs and headers that nobody has named yet.
 *
 * tool: judged per source and day by data/tools.rules (table role).  behaviour: what a source did.
 * cluster: sources that keep a field constant which others draw anew, named by what they keep
 * (table cluster_day).
 * shape: one and the same unusual SYN header again and again, named by its signature's number,
 * which is the same at every sensor for ever.
 */
#include "cmd/clustering.h"
#include "cmd/top.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHAPE_PACKETS_MIN 20 /* of a header, to be told from chance */
#define SHAPES_MAX 1000
#define PAIR_PORTS_MAX 4 /* a day; who asks more asks the two among others */
#define NAME_MAX_LEN 24
#define CLUSTERS_LIST_MAX 1000
#define DETAIL_MAX 400

enum {
	TOOL_RANK,
	TOOL_NAME,
	TOOL_KIND,
	TOOL_RATE,
	TOOL_RATE_BEFORE,
	TOOL_PACKETS,
	TOOL_SHARE,
	TOOL_SOURCES,
	TOOL_DETAIL,
	TOOL_COLUMNS,
};

enum kind {
	KIND_TOOL,
	KIND_BEHAVIOUR,
	KIND_CLUSTER,
	KIND_SHAPE,
	KIND_COUNT,
};

static const char *const kinds[KIND_COUNT] = {"tool", "behaviour", "cluster", "shape"};
static const char *const kinds_ja[KIND_COUNT] = {"ツール", "挙動", "固定項目", "SYNの形"};

struct item {
	enum kind kind;
	char name[NAME_MAX_LEN]; /* "": none is known */
	char detail[DETAIL_MAX];
	uint64_t packets; /* 0: not counted */
	uint64_t before;
	uint64_t sources;
};

struct items {
	struct item *list;
	size_t count;
	uint64_t access; /* packets of all sources that were judged */
};

static struct item *add(struct items *items, enum kind kind, const char *name)
{
	struct item *item;

	items->list = command_need(realloc(items->list, (items->count + 1) * sizeof(*items->list)));
	item = &items->list[items->count++];
	*item = (struct item){.kind = kind};
	(void)snprintf(item->name, sizeof(item->name), "%s", name);
	return item;
}

static int load_tools(struct top *top, struct items *items, struct err *err)
{
	static const struct store_param params[] = {
	    {.name = "from_day"}, {.name = "now_day"}, {.name = "to_day"}};
	struct store_result *r;
	int rc = window_ask(&top->w, "cmd_top_tools", params, 3, &r, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < store_result_rows(r); i++) {
		uint64_t packets = store_result_uint(r, i, 1);
		struct item *item;

		items->access += packets;
		if (packets == 0)
			continue;
		item = add(items, KIND_TOOL, store_result_text(r, i, 0));
		item->packets = packets;
		item->before = store_result_uint(r, i, 2);
		item->sources = store_result_uint(r, i, 3);
	}
	store_result_free(r);
	return ST_OK;
}

/* NPA, 2017-03-22: half of those who asked 5358/tcp asked 23/tcp too, without Mirai's mark. */
static int load_port_pairs(struct top *top, struct items *items, struct err *err)
{
	const struct store_param params[] = {
	    {.name = "from"},
	    {.name = "now"},
	    {.name = "to"},
	    {.name = "from_day"},
	    {.name = "to_day"},
	    {.name = "first", .int_value = 5358},
	    {.name = "second", .int_value = 23},
	    {.name = "ports", .int_value = PAIR_PORTS_MAX},
	};
	struct store_result *r;
	struct item *item;
	int rc = window_ask(&top->w, "cmd_top_port_pair", params,
	    sizeof(params) / sizeof(params[0]), &r, err);

	if (rc)
		return rc;
	if (store_result_uint(r, 0, 2)) {
		item = add(items, KIND_BEHAVIOUR, "hajime-like");
		item->packets = store_result_uint(r, 0, 0);
		item->before = store_result_uint(r, 0, 1);
		item->sources = store_result_uint(r, 0, 2);
		(void)snprintf(item->detail, sizeof(item->detail), "%s", "5358/tcp + 23/tcp");
	}
	store_result_free(r);
	return ST_OK;
}

static int load_two_phase(struct top *top, struct items *items, struct err *err)
{
	static const struct store_param params[] = {{.name = "now"}, {.name = "to"}};
	struct store_result *r;
	struct item *item;
	int rc = window_ask(&top->w, "cmd_top_two_phase", params, 2, &r, err);
	bool ja = top->style.language == PUBLISH_JA;

	if (rc)
		return rc;
	if (store_result_uint(r, 0, 0)) {
		item = add(items, KIND_BEHAVIOUR, "two-phase");
		item->sources = store_result_uint(r, 0, 1);
		(void)snprintf(item->detail, sizeof(item->detail),
		    ja ? "探索後に改めて接続%llu回" : "probed first, then connected: %llu times",
		    (unsigned long long)store_result_uint(r, 0, 0));
	}
	store_result_free(r);
	return ST_OK;
}

static int load_clusters(struct top *top, struct items *items, struct err *err)
{
	static const struct store_param params[] = {
	    {.name = "from_day"},
	    {.name = "now_day"},
	    {.name = "to_day"},
	    {.name = "n", .int_value = CLUSTERS_LIST_MAX},
	};
	struct store_result *r;
	int rc = window_ask(&top->w, "cmd_top_clusters", params, sizeof(params) / sizeof(params[0]),
	    &r, err);
	bool ja = top->style.language == PUBLISH_JA;

	if (rc)
		return rc;
	for (size_t i = 0; i < store_result_rows(r); i++) {
		char name[CLUSTERS_NAME_MAX];
		struct buf detail = {0};
		struct item *item;

		item = add(items, KIND_CLUSTER,
		    clusters_name((uint32_t)store_result_uint(r, i, 0), name));
		clustering_put_fields((uint32_t)store_result_uint(r, i, 1), ja, &detail);
		buf_puts(&detail, ja ? "(" : " (");
		clustering_put_shape((uint8_t)store_result_uint(r, i, 2),
		    (unsigned)store_result_uint(r, i, 3), store_result_text(r, i, 4), ja, &detail);
		buf_puts(&detail, ja ? ")" : ")");
		item->packets = store_result_uint(r, i, 5);
		item->before = store_result_uint(r, i, 6);
		item->sources = store_result_uint(r, i, 7);
		(void)snprintf(item->detail, sizeof(item->detail), "%s", buf_text(&detail));
		buf_fini(&detail);
	}
	store_result_free(r);
	return ST_OK;
}

static int load_shapes(struct top *top, struct items *items, struct err *err)
{
	static const struct store_param params[] = {
	    {.name = "from"},
	    {.name = "now"},
	    {.name = "to"},
	    {.name = "from_day"},
	    {.name = "to_day"},
	    {.name = "least", .int_value = SHAPE_PACKETS_MIN},
	    {.name = "n", .int_value = SHAPES_MAX},
	};
	struct store_result *r;
	int rc = window_ask(&top->w, "cmd_top_shapes", params, sizeof(params) / sizeof(params[0]),
	    &r, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < store_result_rows(r); i++) {
		char name[NAME_MAX_LEN];
		struct item *item;

		(void)snprintf(name, sizeof(name), "syn-%08x",
		    (unsigned)store_result_uint(r, i, 0));
		item = add(items, KIND_SHAPE, name);
		item->packets = store_result_uint(r, i, 2);
		item->before = store_result_uint(r, i, 3);
		item->sources = store_result_uint(r, i, 4);
		(void)snprintf(item->detail, sizeof(item->detail), "%s",
		    store_result_text(r, i, 1));
	}
	store_result_free(r);
	return ST_OK;
}

/* Tools, behaviours, clusters, shapes; what is not known last of its kind. */
static int compare(const void *va, const void *vb)
{
	const struct item *a = va;
	const struct item *b = vb;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (!a->name[0] != !b->name[0])
		return a->name[0] ? -1 : 1;
	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Packets per day per address, whatever the basis: judgements are per source, not per sensor. */
static double rate_of(const struct window *w, uint64_t packets, bool before)
{
	double address_days = 0;

	for (size_t i = 0; i < w->sensor_count; i++)
		address_days += before ? w->sensors[i].before.address_days
		                       : w->sensors[i].now.address_days;
	return address_days > 0 ? (double)packets / address_days : NAN;
}

static void add_row(struct top *top, const struct items *items, const struct item *item,
    unsigned rank)
{
	bool ja = top->style.language == PUBLISH_JA;
	struct table *t = top->table;
	struct buf text = {0};

	table_row(t);
	if (item->name[0]) {
		table_set_int(t, TOOL_RANK, rank);
		table_set_text(t, TOOL_NAME, item->name);
	} else {
		table_show(t, TOOL_RANK, "-");
		table_show(t, TOOL_NAME, "%s", ja ? "(特定できず)" : "(none known)");
	}
	table_set_text(t, TOOL_KIND, kinds[item->kind]);
	if (ja)
		table_show(t, TOOL_KIND, "%s", kinds_ja[item->kind]);
	table_set_count(t, TOOL_SOURCES, item->sources);
	table_set_text(t, TOOL_DETAIL, item->detail);
	if (item->packets == 0) {
		table_show(t, TOOL_RATE, "-");
		table_show(t, TOOL_PACKETS, "-");
		table_show(t, TOOL_SHARE, "-");
		return;
	}
	table_set_real(t, TOOL_RATE, rate_of(&top->w, item->packets, false));
	publish_number(&text, rate_of(&top->w, item->packets, false), 2);
	table_show(t, TOOL_RATE, "%s", buf_text(&text));
	/* Of the sensors of both periods only, and what each sensor had is not known here. */
	if (top->w.panel_count && top->w.panel_count == top->w.sensors_now)
		table_set_real(t, TOOL_RATE_BEFORE, rate_of(&top->w, item->before, true));
	table_set_count(t, TOOL_PACKETS, item->packets);
	if (items->access) {
		double share = 100 * (double)item->packets / (double)items->access;

		table_set_real(t, TOOL_SHARE, share);
		table_show(t, TOOL_SHARE, "%.1f%%", share);
	}
	buf_fini(&text);
}

static void set_columns(struct top *top)
{
	const char *rate = window_rate_heading(REPORT_BASIS_ADDRESS, top->style.language);

	memcpy(top->columns,
	    (struct table_column[TOOL_COLUMNS]){
	        [TOOL_RANK] = {"rank", "順位", "rank", TABLE_INT, TABLE_ALL},
	        [TOOL_NAME] = {"tool", "ツール等", "tool", TABLE_TEXT, TABLE_ALL},
	        [TOOL_KIND] = {"kind", "種別", "kind", TABLE_TEXT, TABLE_ALL},
	        [TOOL_RATE] = {"rate", rate, rate, TABLE_REAL, TABLE_ALL},
	        [TOOL_RATE_BEFORE] = {"previous_rate", NULL, NULL, TABLE_REAL, TABLE_PROGRAMS},
	        [TOOL_PACKETS] = {"packets", "件数", "packets", TABLE_INT, TABLE_ALL},
	        [TOOL_SHARE] = {"share", "割合", "share", TABLE_REAL, TABLE_ALL},
	        [TOOL_SOURCES] = {"sources", "送信元", "sources", TABLE_INT, TABLE_ALL},
	        [TOOL_DETAIL] = {"detail", "詳細", "detail", TABLE_TEXT, TABLE_ALL},
	    },
	    TOOL_COLUMNS * sizeof(*top->columns));
	top->table = table_new(top->columns, TOOL_COLUMNS);
}

int top_tools(struct top *top)
{
	struct items items = {0};
	struct err err = {0};
	size_t shown[KIND_COUNT] = {0};
	unsigned rank = 0;
	int rc = load_tools(top, &items, &err);

	if (!rc)
		rc = load_port_pairs(top, &items, &err);
	if (!rc)
		rc = load_two_phase(top, &items, &err);
	if (!rc)
		rc = load_clusters(top, &items, &err);
	if (!rc)
		rc = load_shapes(top, &items, &err);
	if (rc) {
		command_error(top->self, "%s", err.text);
		free(items.list);
		return COMMAND_FAILED;
	}
	set_columns(top);
	if (items.count)
		qsort(items.list, items.count, sizeof(*items.list), compare);
	/* -n of each kind: a tool is never crowded out by headers. */
	for (size_t i = 0; i < items.count; i++)
		if (shown[items.list[i].kind]++ < top->n)
			add_row(top, &items, &items.list[i], ++rank);
	free(items.list);
	return COMMAND_OK;
}
