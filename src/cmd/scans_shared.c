/* teiten scans --distributed; contract in scans_shared.h, the test in detect/scan_group.h. */
#include "cmd/scans_shared.h"

#include "base/civil.h"
#include "cmd/table.h"
#include "detect/scan_group.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 1000000

enum { /* columns of cmd_scans_shared */
	ROW_PROTO,
	ROW_PORT,
	ROW_BLOCK_HI,
	ROW_BLOCK_LO,
	ROW_HI,
	ROW_LO,
	ROW_SENSOR,
	ROW_BITS,
	ROW_PACKETS,
	ROW_FIRST,
	ROW_LAST,
};

enum {
	COLUMN_NETWORK,
	COLUMN_PORT,
	COLUMN_SOURCES,
	COLUMN_START,
	COLUMN_END,
	COLUMN_PACKETS,
	COLUMN_DESTINATIONS,
	COLUMN_OVERLAP,
	COLUMN_EXPECTED,
	COLUMN_CHANCE,
	COLUMN_COUNT,
};

static const struct table_column columns[COLUMN_COUNT] = {
    [COLUMN_NETWORK] = {"network", "送信元のネットワーク", "network", TABLE_TEXT, TABLE_ALL},
    [COLUMN_PORT] = {"port", "宛先ポート", "port", TABLE_TEXT, TABLE_ALL},
    [COLUMN_SOURCES] = {"sources", "送信元", "sources", TABLE_INT, TABLE_ALL},
    [COLUMN_START] = {"start", "開始(UTC)", "start (UTC)", TABLE_TEXT, TABLE_ALL},
    [COLUMN_END] = {"end", "終了(UTC)", "end (UTC)", TABLE_TEXT, TABLE_ALL},
    [COLUMN_PACKETS] = {"packets", "パケット", "packets", TABLE_INT, TABLE_ALL},
    [COLUMN_DESTINATIONS] = {"destinations", "観測アドレス", "addresses", TABLE_INT,
        TABLE_ALL},
    [COLUMN_OVERLAP] = {"overlap", "重なり", "overlap", TABLE_INT, TABLE_ALL},
    [COLUMN_EXPECTED] = {"expected_overlap", "無作為なら", "by lot", TABLE_REAL, TABLE_ALL},
    [COLUMN_CHANCE] = {"chance", "偶然の確率", "chance", TABLE_REAL, TABLE_ALL},
};

struct found {
	struct scan_group group;
	struct ip source; /* the first */
	uint32_t port;    /* proto × 65536 + port */
	int64_t first;
	int64_t last;
	uint64_t packets;
};

struct sharing {
	struct found *list;
	size_t count;
	size_t tested;
	uint64_t addresses; /* at sensors whose addresses are told apart */
	bool cut;           /* not all rows were looked at */
};

/* Sensors with more addresses than 64 at any time have no sets. */
static uint64_t told_apart(const struct window *w)
{
	uint64_t total = 0;

	for (size_t i = 0; i < w->sensor_count; i++) {
		const struct window_sensor *s = &w->sensors[i];
		uint32_t most = 0;

		for (size_t n = 0; n < s->span_count; n++)
			if (s->spans[n].to > w->now_us && s->spans[n].addresses > most)
				most = s->spans[n].addresses;
		total += most <= 64 ? most : 0;
	}
	return total;
}

static bool same_group(const struct store_result *r, size_t a, size_t b)
{
	for (size_t column = ROW_PROTO; column <= ROW_BLOCK_LO; column++)
		if (store_result_uint(r, a, column) != store_result_uint(r, b, column))
			return false;
	return true;
}

/* Tests rows [begin, end) of one group and keeps it when there was a chance to tell anything. */
static void test_group(struct sharing *s, const struct store_result *r, size_t begin, size_t end,
    struct scan_member *members)
{
	struct found found = {
		.source = {store_result_uint(r, begin, ROW_HI),
		    store_result_uint(r, begin, ROW_LO)},
		.port = (uint32_t)store_result_uint(r, begin, ROW_PROTO) << 16
		    | (uint32_t)store_result_uint(r, begin, ROW_PORT),
		.first = INT64_MAX,
	};

	for (size_t i = begin; i < end; i++) {
		members[i - begin] = (struct scan_member){
			.source = {store_result_uint(r, i, ROW_HI),
			    store_result_uint(r, i, ROW_LO)},
			.sensor = (uint16_t)store_result_int(r, i, ROW_SENSOR),
			.dst_bits = store_result_uint(r, i, ROW_BITS),
		};
		found.packets += store_result_uint(r, i, ROW_PACKETS);
		if (store_result_int(r, i, ROW_FIRST) < found.first)
			found.first = store_result_int(r, i, ROW_FIRST);
		if (store_result_int(r, i, ROW_LAST) > found.last)
			found.last = store_result_int(r, i, ROW_LAST);
	}
	found.group = scan_group_test(members, end - begin, s->addresses);
	/* Groups that could not be told from chance whatever they did are no tests. */
	if (found.group.sources < SCAN_GROUP_SOURCES_MIN
	    || exp(-found.group.expected) >= SCAN_GROUP_CHANCE)
		return;
	s->tested++;
	if (found.group.chance >= SCAN_GROUP_CHANCE)
		return;
	s->list = command_need(realloc(s->list, (s->count + 1) * sizeof(*s->list)));
	s->list[s->count++] = found;
}

static int compare(const void *va, const void *vb)
{
	const struct found *a = va;
	const struct found *b = vb;

	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	if (!ip_equal(a->source, b->source))
		return ip_compare(a->source, b->source);
	return a->port < b->port ? -1 : a->port > b->port;
}

static int load(struct sharing *s, struct window *w, struct err *err)
{
	const struct store_param params[] = {
	    {.name = "now"},
	    {.name = "to"},
	    {.name = "now_day"},
	    {.name = "to_day"},
	    {.name = "sources", .int_value = SCAN_GROUP_SOURCES_MIN},
	    {.name = "limit", .int_value = ROWS_MAX},
	};
	struct scan_member *members;
	struct store_result *r;
	size_t kept = 0;
	size_t rows;
	int rc = window_ask(w, "cmd_scans_shared", params, sizeof(params) / sizeof(params[0]), &r,
	    err);

	if (rc)
		return rc;
	rows = store_result_rows(r);
	s->cut = rows == ROWS_MAX;
	s->addresses = told_apart(w);
	members = command_need(calloc(rows + 1, sizeof(*members)));
	for (size_t i = 0; i < rows;) {
		size_t begin = i;

		for (i++; i < rows && same_group(r, begin, i); i++)
			;
		test_group(s, r, begin, i, members);
	}
	free(members);
	store_result_free(r);
	/* So many groups were tested, so much less may chance explain (Bonferroni). */
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].group.chance * (double)s->tested < SCAN_GROUP_CHANCE)
			s->list[kept++] = s->list[i];
	s->count = kept;
	if (s->count)
		qsort(s->list, s->count, sizeof(*s->list), compare);
	return ST_OK;
}

static void add_row(struct table *t, const struct found *found, uint64_t addresses)
{
	bool v4 = ip_is_v4(found->source);
	struct ip network = found->source;
	char text[IP_TEXT_MAX];
	char port[24];
	char start[CIVIL_TIME_TEXT_MAX];
	char end[CIVIL_TIME_TEXT_MAX];
	struct buf b = {0};

	network.lo = v4 ? network.lo & ~0xffull : 0;
	network.hi = v4 ? network.hi : network.hi & ~0xffffull;
	buf_printf(&b, "%s/%d", ip_format(network, text), v4 ? 24 : 48);
	window_port_text(found->port, port);
	(void)civil_format_time(found->first * CIVIL_US_PER_SECOND, start);
	(void)civil_format_time(found->last * CIVIL_US_PER_SECOND, end);
	table_row(t);
	table_set_text(t, COLUMN_NETWORK, buf_text(&b));
	table_set_text(t, COLUMN_PORT, port);
	table_set_count(t, COLUMN_SOURCES, found->group.sources);
	table_set_text(t, COLUMN_START, start);
	table_show(t, COLUMN_START, "%.10s %.5s", start, start + 11);
	table_set_text(t, COLUMN_END, end);
	table_show(t, COLUMN_END, "%.10s %.5s", end, end + 11);
	table_set_count(t, COLUMN_PACKETS, found->packets);
	table_set_uint(t, COLUMN_DESTINATIONS, found->group.destinations);
	table_show(t, COLUMN_DESTINATIONS, "%u/%llu", found->group.destinations,
	    (unsigned long long)addresses);
	table_set_uint(t, COLUMN_OVERLAP, found->group.overlap);
	table_set_real(t, COLUMN_EXPECTED, found->group.expected);
	table_show(t, COLUMN_EXPECTED, "%.1f", found->group.expected);
	table_set_real(t, COLUMN_CHANCE, found->group.chance);
	table_show(t, COLUMN_CHANCE, "%.1g", found->group.chance);
	buf_fini(&b);
}

static void print_notes(const struct sharing *s, const struct window *w,
    const struct publish_style *style, struct buf *b)
{
	bool ja = style->language == PUBLISH_JA;

	window_describe(w, style, b);
	buf_printf(b, ja ? "※ 同一ネットワーク(/24、IPv6は/48)の%d個以上の送信元が同じポートを探索し、"
	                   "宛先の重なりが無作為の場合より著しく少ないもの(%zu組を検定)\n"
	                 : "Neighbours (/24, IPv6 /48) that ask one port, %d or more, whose addresses "
	                   "overlap far less than by lot (%zu groups tested).\n",
	    SCAN_GROUP_SOURCES_MIN, s->tested);
	if (s->cut)
		buf_puts(b, ja ? "※ データ量が多いため一部のみが対象です(期間を短くしてください)\n"
		               : "Only a part was looked at: too much for one period this long.\n");
}

int scans_shared(const struct command *self, const struct command_common *common, struct window *w)
{
	struct publish_style style = command_style(common);
	struct sharing sharing = {0};
	struct table *table;
	struct buf b = {0};
	struct err err = {0};

	if (load(&sharing, w, &err)) {
		command_error(self, "%s", err.text);
		return COMMAND_FAILED;
	}
	table = table_new(columns, COLUMN_COUNT);
	for (size_t i = 0; i < sharing.count; i++)
		add_row(table, &sharing.list[i], sharing.addresses);
	table_print(table, common, &b);
	if (common->format == COMMAND_HUMAN && !common->quiet)
		print_notes(&sharing, w, &style, &b);
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	table_free(table);
	free(sharing.list);
	return COMMAND_OK;
}
