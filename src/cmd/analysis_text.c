/* The summary of an analysis for a terminal; the contract is in analysis.h. */
#include "cmd/analysis_visits.h"
#include "cmd/analysis.h"
#include "cmd/analysis_judged.h"

#include "base/civil.h"
#include "base/utf8.h"
#include "cmd/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TIME_TEXT_MAX 40
#define SECONDS_PER_DAY 86400.0
#define DAYS_FOR_RATE 0.01 /* a quarter of an hour: below that a daily rate means nothing */

struct text {
	struct buf *b;
	const struct analysis_view *view;
	const struct publish_style *style;
	const struct command_common *common;
};

static struct report_value text_value(const char *name, const char *text)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_TEXT, .text = text};
}

static struct report_value count_value(const char *name, uint64_t count)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_INTEGER,
		.integer = (int64_t)count};
}

static struct report_value fact_value(const char *name, const struct report_fact *fact)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_FACT, .fact = fact};
}

static void put_line(const struct text *t, const char *message, const struct report_value *values,
    size_t count)
{
	struct report_sentence sentence = {message, values, count};

	publish_sentence(t->b, t->style, &sentence);
	buf_putc(t->b, '\n');
}

/* A moment in the site's time zone, with its offset. */
static const char *local_time(struct zone *zone, int64_t time_us, char text[TIME_TEXT_MAX])
{
	int32_t offset = zone_offset(zone, time_us);
	char utc[CIVIL_TIME_TEXT_MAX];

	(void)civil_format_time(time_us + offset * CIVIL_US_PER_SECOND, utc);
	(void)snprintf(text, TIME_TEXT_MAX, "%.19s%c%02d:%02d", utc, offset < 0 ? '-' : '+',
	    abs(offset) / 3600, abs(offset) / 60 % 60);
	return text;
}

static void put_file(const struct text *t, const struct capture_file *f)
{
	struct report_fact days = {
		.value = f->packets ? (double)(f->last_us - f->first_us) / (double)CIVIL_US_PER_DAY : 0,
		.known = true,
		.decimals = 2,
	};
	struct buf name = {0};
	char first[TIME_TEXT_MAX];
	char last[TIME_TEXT_MAX];
	struct report_value values[6];

	utf8_append_valid(&name, f->name, strlen(f->name));
	values[0] = text_value("name", buf_text(&name));
	values[1] = text_value("format", capture_format_name(f->format));
	if (f->packets == 0) {
		put_line(t, "analyze.file-empty", values, 2);
	} else {
		values[2] = count_value("packets", f->packets);
		values[3] = text_value("first", local_time(t->view->zone, f->first_us, first));
		values[4] = text_value("last", local_time(t->view->zone, f->last_us, last));
		values[5] = fact_value("days", &days);
		put_line(t, "analyze.file", values, 6);
	}
	buf_fini(&name);
}

static void put_reason(struct buf *b, const char *name, uint64_t packets)
{
	buf_printf(b, "%s%s ", b->len ? ", " : " (", name);
	publish_number(b, (double)packets, 0);
}

static void put_packets(const struct text *t, const struct tally_counters *c)
{
	struct buf reasons = {0};
	struct report_value values[4];

	for (size_t i = 1; i < DECODE_DROP_COUNT; i++)
		if (c->dropped[i])
			put_reason(&reasons, decode_drop_name((enum decode_drop)i), c->dropped[i]);
	if (reasons.len)
		buf_putc(&reasons, ')');
	values[0] = count_value("read", c->read);
	values[1] = count_value("counted", c->counted);
	values[2] = count_value("dropped", c->read - c->counted);
	values[3] = text_value("reasons", buf_text(&reasons));
	put_line(t, "analyze.packets", values, 4);
	buf_fini(&reasons);
}

static void put_rate(const struct text *t, const struct tally_counters *c)
{
	uint64_t access = c->classes[RECORD_CLASS_REQUEST];
	uint64_t addresses = destinations_size(pipeline_destinations(t->view->pipeline));
	double days = pipeline_days(t->view->pipeline);
	struct report_fact rate = {.known = true, .decimals = 1};
	struct report_fact seconds = {.known = true, .decimals = 0};
	struct report_value values[4] = {
		count_value("access", access),
		count_value("addresses", addresses),
		fact_value("rate", &rate),
		fact_value("seconds", &seconds),
	};

	if (days < DAYS_FOR_RATE || addresses == 0 || access == 0) {
		put_line(t, "analyze.no-rate", values, 2);
		return;
	}
	rate.value = (double)access / (days * (double)addresses);
	seconds.value = SECONDS_PER_DAY / rate.value;
	if (seconds.value < 10)
		seconds.decimals = 1;
	put_line(t, "analyze.rate", values, 4);
}

static void put_shares(const struct text *t, const struct tally_counters *c)
{
	struct report_fact shares[RECORD_CLASS_COUNT];
	struct report_value values[RECORD_CLASS_COUNT];
	struct report_value marks[RECORD_MARK_COUNT];

	if (c->counted == 0)
		return;
	for (unsigned i = 0; i < RECORD_CLASS_COUNT; i++) {
		shares[i] = (struct report_fact){
			.value = 100.0 * (double)c->classes[i] / (double)c->counted,
			.known = true,
			.decimals = 1,
		};
		values[i] = fact_value(record_class_name((enum record_class)i), &shares[i]);
	}
	put_line(t, "analyze.classes", values, RECORD_CLASS_COUNT);
	for (unsigned i = 0; i < RECORD_MARK_COUNT; i++)
		marks[i] = count_value(record_mark_name(i), c->marks[i]);
	put_line(t, "analyze.marks", marks, RECORD_MARK_COUNT);
}

static size_t shown(const struct text *t, size_t count)
{
	return t->view->all || count < ANALYSIS_TOP ? count : ANALYSIS_TOP;
}

/* Prints a table below what is there and frees it. */
static void end_table(const struct text *t, struct table *table)
{
	buf_putc(t->b, '\n');
	table_print(table, t->common, t->b);
	table_free(table);
}

static int put_ports(const struct text *t)
{
	const struct table_column columns[] = {
		{"rank", "順位", "Rank", TABLE_INT, TABLE_ALL},
		{"port", "宛先ポート", "Port", TABLE_TEXT, TABLE_ALL},
		{"service", "サービス", "Service", TABLE_TEXT, TABLE_ALL},
		{"packets", "件数", "Packets", TABLE_INT, TABLE_ALL},
		{t->view->quick ? NULL : "sources", "送信元", "Sources", TABLE_INT, TABLE_ALL},
		{"mirai", "Miraiの特徴", "Mirai mark", TABLE_REAL, TABLE_ALL},
	};
	struct summary_port *ports;
	struct table *table;
	size_t count;
	int rc = summary_ports(pipeline_summary(t->view->pipeline), &ports, &count);

	if (rc || count == 0) {
		if (!rc)
			free(ports);
		return rc;
	}
	table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < shown(t, count); i++) {
		const struct summary_port *p = &ports[i];
		struct buf name = {0};

		table_row(table);
		table_set_uint(table, 0, i + 1);
		publish_port(&name, p->proto, p->port);
		table_set_text(table, 1, buf_text(&name));
		table_set_text(table, 2, publish_service(p->proto, p->port));
		table_set_count(table, 3, p->packets);
		table_set_count(table, 4, p->sources);
		if (p->proto == DECODE_PROTO_TCP)
			table_show(table, 5, "%.1f%%", 100.0 * (double)p->mirai / (double)p->packets);
		else
			table_show(table, 5, "-");
		buf_fini(&name);
	}
	end_table(t, table);
	free(ports);
	put_line(t, "analyze.service-note", NULL, 0);
	return ST_OK;
}

static int put_countries(const struct text *t)
{
	bool quick = t->view->quick;
	const struct table_column columns[] = {
		{"rank", "順位", "Rank", TABLE_INT, TABLE_ALL},
		{"country", quick ? "国・地域" : "国・地域(主な宛先ポート)",
		    quick ? "Country or region" : "Country or region (main port)", TABLE_TEXT, TABLE_ALL},
		{"packets", "件数", "Packets", TABLE_INT, TABLE_ALL},
		{"sources", "送信元", "Sources", TABLE_INT, TABLE_ALL},
	};
	struct summary_country *countries;
	struct table *table;
	size_t count;
	int rc = summary_countries(pipeline_summary(t->view->pipeline), &countries, &count);

	if (rc || count == 0) {
		if (!rc)
			free(countries);
		return rc;
	}
	table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < shown(t, count); i++) {
		const struct summary_country *c = &countries[i];
		struct buf name = {0};

		table_row(table);
		table_set_uint(table, 0, i + 1);
		publish_country(&name, t->style, c->country);
		if (!quick) {
			buf_puts(&name, t->style->language == PUBLISH_JA ? "(" : " (");
			publish_port(&name, c->proto, c->port);
			buf_putc(&name, ')');
		}
		table_set_text(table, 1, buf_text(&name));
		table_set_count(table, 2, c->packets);
		table_set_count(table, 3, c->sources);
		buf_fini(&name);
	}
	end_table(t, table);
	free(countries);
	put_line(t, "analyze.country-note", NULL, 0);
	if (!t->view->geo)
		put_line(t, "analyze.no-geo", NULL, 0);
	return ST_OK;
}

static int put_asns(const struct text *t)
{
	static const struct table_column columns[] = {
		{"rank", "順位", "Rank", TABLE_INT, TABLE_ALL},
		{"asn", "AS番号", "AS", TABLE_TEXT, TABLE_ALL},
		{"name", "名称", "Name", TABLE_TEXT, TABLE_ALL},
		{"packets", "件数", "Packets", TABLE_INT, TABLE_ALL},
		{"sources", "送信元", "Sources", TABLE_INT, TABLE_ALL},
	};
	struct summary_asn *asns;
	struct table *table;
	size_t count;
	int rc = summary_asns(pipeline_summary(t->view->pipeline), &asns, &count);

	/* Without data on AS there is nothing to rank. */
	if (rc || count == 0 || (count == 1 && asns[0].asn == 0)) {
		if (!rc)
			free(asns);
		return rc;
	}
	table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < shown(t, count); i++) {
		char number[16];

		(void)snprintf(number, sizeof(number), "AS%" PRIu32, asns[i].asn);
		table_row(table);
		table_set_uint(table, 0, i + 1);
		table_set_text(table, 1, asns[i].asn ? number
		    : t->style->language == PUBLISH_JA ? "不明" : "unknown");
		table_set_text(table, 2, geo_asn_name(t->view->geo, asns[i].asn));
		table_set_count(table, 3, asns[i].packets);
		table_set_count(table, 4, asns[i].sources);
	}
	end_table(t, table);
	free(asns);
	return ST_OK;
}

static int put_tools(const struct text *t)
{
	static const struct table_column columns[] = {
		{"tool", "ツール(自動判定)", "Tool (judged)", TABLE_TEXT, TABLE_ALL},
		{"packets", "件数", "Packets", TABLE_INT, TABLE_ALL},
		{"sources", "送信元", "Sources", TABLE_INT, TABLE_ALL},
	};
	struct summary_tool *tools;
	struct table *table;
	size_t count;
	int rc = summary_tools(pipeline_summary(t->view->pipeline), &tools, &count);

	if (rc || count == 0) {
		if (!rc)
			free(tools);
		return rc;
	}
	table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < shown(t, count); i++) {
		table_row(table);
		table_set_text(table, 0, tools[i].tool);
		table_set_count(table, 1, tools[i].packets);
		table_set_count(table, 2, tools[i].sources);
	}
	end_table(t, table);
	free(tools);
	return ST_OK;
}

static void put_clusters(const struct text *t)
{
	static const struct table_column columns[] = {
		{"cluster", "固定項目を持つ送信元(未知のツール)", "Constant fields (no known tool)", TABLE_TEXT,
		    TABLE_ALL},
		{"sources", "送信元", "Sources", TABLE_INT, TABLE_ALL},
		{"fields", "固定項目", "What is constant", TABLE_TEXT, TABLE_ALL},
	};
	bool ja = t->style->language == PUBLISH_JA;
	size_t count;
	const struct clustering_row *rows = clustering_rows(pipeline_clustering(t->view->pipeline),
	    &count);
	struct table *table;

	if (count == 0)
		return;
	table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < shown(t, count); i++) {
		char name[CLUSTERS_NAME_MAX];
		struct buf fields = {0};

		clustering_put_fields(rows[i].fields, ja, &fields);
		table_row(table);
		table_set_text(table, 0, clusters_name(rows[i].id, name));
		table_set_count(table, 1, rows[i].sources);
		table_set_text(table, 2, buf_text(&fields));
		buf_fini(&fields);
	}
	end_table(t, table);
}

static void put_alerts(const struct text *t)
{
	static const struct table_column columns[] = {
		{"sid", "シグネチャID", "Signature", TABLE_INT, TABLE_ALL},
		{"msg", "シグネチャ", "Message", TABLE_TEXT, TABLE_ALL},
		{"severity", "重大度", "Severity", TABLE_INT, TABLE_ALL},
		{"count", "件数", "Alerts", TABLE_INT, TABLE_ALL},
	};
	size_t count = 0;
	const struct inspection_row *rows =
	    t->view->alerts ? inspection_rows(t->view->alerts, &count) : NULL;
	struct table *table;

	if (count == 0)
		return;
	table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < shown(t, count); i++) {
		table_row(table);
		table_set_uint(table, 0, rows[i].sid);
		table_show(table, 0, "%u", rows[i].sid);
		table_set_text(table, 1, rows[i].msg);
		table_set_uint(table, 2, rows[i].severity);
		table_set_count(table, 3, rows[i].count);
	}
	end_table(t, table);
}

int analysis_text(struct buf *b, const struct analysis_view *view,
    const struct publish_style *style, const struct command_common *common, struct err *err)
{
	struct text t = {b, view, style, common};
	const struct tally_counters *c = pipeline_counters(view->pipeline);
	struct summary_totals totals = summary_totals(pipeline_summary(view->pipeline));
	struct report_value values[2];
	size_t count;
	const struct capture_file *files = pipeline_files(view->pipeline, &count);

	for (size_t i = 0; i < count; i++)
		put_file(&t, &files[i]);
	put_packets(&t, c);
	put_rate(&t, c);
	if (pipeline_destinations(view->pipeline)->net_count == 0 && c->counted)
		put_line(&t, "analyze.every-destination", NULL, 0);
	values[0] = count_value("sources", totals.sources);
	values[1] = count_value("request", totals.request_sources);
	put_line(&t, "analyze.sources", values, 2);
	if (totals.saturated)
		put_line(&t, "analyze.saturated", NULL, 0);
	put_shares(&t, c);
	if (put_ports(&t) || put_countries(&t) || put_asns(&t) || put_tools(&t))
		return err_set(err, -ENOMEM, "out of memory");
	put_clusters(&t);
	analysis_judged_text(b, view, style, common);
	if (analysis_visits_text(b, view, style, common))
		return err_set(err, -ENOMEM, "out of memory");
	put_alerts(&t);
	if (view->quick) {
		buf_putc(b, '\n');
		put_line(&t, "analyze.quick", NULL, 0);
	}
	if (view->geo) {
		values[0] = text_value("geo", geo_description(view->geo));
		buf_putc(b, '\n');
		put_line(&t, "analyze.geo", values, 1);
	}
	return ST_OK;
}
