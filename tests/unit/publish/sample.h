/*
 * A hand-made report with one of everything, for the tests of the editions.
 *
 * The numbers are those of a made-up October; sentences are verbatim text of the language, because
 * the wording of real reports is tested with the reports.
 */
#pragma once

#include "base/civil.h"
#include "publish/publish.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sample {
	struct report_document *d;
	bool ja;
};

#define SAMPLE_DAYS 31

static inline struct report_value sample_text(const char *text)
{
	return (struct report_value){.name = "text", .kind = REPORT_VALUE_TEXT, .text = text};
}

/* A sentence of the sample's language. */
static inline struct report_sentence sample_say(struct sample *s, const char *ja, const char *en)
{
	struct report_value *place = report_alloc(s->d, sizeof(*place));

	*place = sample_text(s->ja ? ja : en);
	return (struct report_sentence){
	    .message = "layout.verbatim", .values = place, .value_count = 1};
}

static inline struct report_sentence *sample_keep(struct sample *s, struct report_sentence sentence)
{
	struct report_sentence *kept = report_alloc(s->d, sizeof(*kept));

	*kept = sentence;
	return kept;
}

static inline const struct report_fact *sample_fact(struct sample *s, const char *id, double value,
    enum report_unit unit, int decimals)
{
	struct report_fact fact = {.id = id, .value = value, .known = true, .unit = unit,
	    .decimals = decimals, .question = "report_ports", .inputs = "packets, exposure"};

	return report_fact_add(s->d, &fact);
}

static inline void sample_heading(struct sample *s, int level, const char *anchor,
    const char *ja, const char *en)
{
	struct report_block block = {.kind = REPORT_BLOCK_HEADING, .level = level,
	    .anchor = anchor, .sentences = sample_keep(s, sample_say(s, ja, en)),
	    .sentence_count = 1};

	(void)report_block_add(s->d, &block);
}

static inline void sample_block(struct sample *s, enum report_block_kind kind,
    const char *const (*texts)[2], size_t count)
{
	struct report_sentence *sentences = report_alloc(s->d, count * sizeof(*sentences));
	struct report_block block = {
	    .kind = kind, .sentences = sentences, .sentence_count = count};

	for (size_t i = 0; i < count; i++)
		sentences[i] = sample_say(s, texts[i][0], texts[i][1]);
	(void)report_block_add(s->d, &block);
}

static inline struct report_value sample_number(struct sample *s, const char *id, double value,
    enum report_unit unit, int decimals)
{
	return (struct report_value){
	    .kind = REPORT_VALUE_FACT, .fact = sample_fact(s, id, value, unit, decimals)};
}

static inline struct report_value sample_change(struct sample *s, const char *id, double now,
    double before, int decimals)
{
	struct report_value change = {.kind = REPORT_VALUE_CHANGE, .text = "unknown"};

	if (before > 0) {
		change.fact = sample_fact(s, report_printf(s->d, "%s.percent", id),
		    (now - before) / before * 100, REPORT_UNIT_PERCENT, 1);
		change.fact2 = sample_fact(s, report_printf(s->d, "%s.difference", id),
		    now - before, REPORT_UNIT_RATE, decimals);
	}
	return change;
}

static inline void sample_overview(struct sample *s)
{
	static const struct {
		const char *id, *ja, *en, *unit;
		double now, before;
	} rows[] = {
		{"access", "センサーに対するアクセス", "Access to sensors", "unit.rate", 9612.4, 9144.0},
		{"sources", "送信元IPアドレス数", "Source addresses", "unit.addresses-day", 152310.2,
		    149877.5},
		{"dos", "DoS攻撃の跳ね返りパケット", "DoS backscatter", "unit.per-day", 21406.3,
		    17950.8},
		{"victims", "DoS攻撃の被害を受けたとみられるIPアドレス", "Apparent DoS victims",
		    "unit.addresses-day", 812.7, 840.2},
	};
	const size_t count = sizeof(rows) / sizeof(rows[0]);
	struct report_column *columns = report_alloc(s->d, 4 * sizeof(*columns));
	struct report_value *cells = report_alloc(s->d, 4 * count * sizeof(*cells));
	struct report_table *table = report_alloc(s->d, sizeof(*table));
	struct report_block block = {.kind = REPORT_BLOCK_TABLE, .table = table};

	columns[0] = (struct report_column){"layout.item", "item", REPORT_LEFT, true};
	columns[1] = (struct report_column){"layout.period", "value", REPORT_RIGHT, true};
	columns[2] = (struct report_column){"layout.data-table", "unit", REPORT_LEFT, true};
	columns[3] = (struct report_column){"layout.previous", "change", REPORT_RIGHT, true};
	for (size_t i = 0; i < count; i++) {
		struct report_value *row = cells + 4 * i;

		row[0] = sample_text(s->ja ? rows[i].ja : rows[i].en);
		row[1] = sample_number(s, rows[i].id, rows[i].now, REPORT_UNIT_RATE, 1);
		row[2] = (struct report_value){.kind = REPORT_VALUE_MESSAGE, .text = rows[i].unit};
		row[3] = sample_change(s, rows[i].id, rows[i].now, rows[i].before, 1);
	}
	*table = (struct report_table){.id = "overview",
	    .caption = sample_say(s, "観測結果の概要", "Overview of the observation"),
	    .columns = columns, .column_count = 4, .cells = cells, .row_count = count};
	(void)report_block_add(s->d, &block);
}

static inline void sample_ports(struct sample *s)
{
	static const struct {
		uint16_t port;
		uint8_t proto;
		int64_t before_rank;
		double now, before;
	} rows[] = {
		{23, 6, 1, 1204.31, 1102.87}, {22, 6, 3, 402.18, 371.02}, {443, 6, 2, 388.90, 395.55},
		{80, 6, 4, 371.44, 366.10}, {8728, 6, 0, 240.07, 61.20}, {8, 1, 5, 181.445, 0},
		{5060, 17, 7, 90.125, 90.125},
	};
	const size_t count = sizeof(rows) / sizeof(rows[0]);
	const size_t width = 7;
	struct report_column *columns = report_alloc(s->d, width * sizeof(*columns));
	struct report_value *cells = report_alloc(s->d, width * count * sizeof(*cells));
	struct report_sentence *notes = report_alloc(s->d, 3 * sizeof(*notes));
	struct report_table *table = report_alloc(s->d, sizeof(*table));
	struct report_block block = {.kind = REPORT_BLOCK_TABLE, .table = table};

	columns[0] = (struct report_column){"layout.item", "rank", REPORT_RIGHT, true};
	columns[1] = (struct report_column){"layout.item", "previous_rank", REPORT_RIGHT, true};
	columns[2] = (struct report_column){"layout.item", "port", REPORT_LEFT, true};
	columns[3] = (struct report_column){"layout.item", "service", REPORT_LEFT, false};
	columns[4] = (struct report_column){"unit.rate", "rate", REPORT_RIGHT, true};
	columns[5] = (struct report_column){"layout.previous", "change", REPORT_RIGHT, true};
	columns[6] = (struct report_column){"column.sensors", "sensors_seen", REPORT_RIGHT, false};
	for (size_t i = 0; i < count; i++) {
		struct report_value *row = cells + width * i;
		struct report_value *part = report_alloc(s->d, 2 * sizeof(*part));
		const char *id = report_printf(s->d, "port.%u.%u", rows[i].port, rows[i].proto);

		row[0] = (struct report_value){
		    .kind = REPORT_VALUE_INTEGER, .integer = (int64_t)i + 1};
		row[1] = (struct report_value){.kind = rows[i].before_rank ? REPORT_VALUE_INTEGER
		    : REPORT_VALUE_MESSAGE, .integer = rows[i].before_rank,
		    .text = rows[i].before_rank ? NULL : "rank.from-outside"};
		row[2] = (struct report_value){.kind = REPORT_VALUE_PORT, .integer = rows[i].port,
		    .proto = rows[i].proto};
		row[3] = row[2];
		row[3].kind = REPORT_VALUE_SERVICE;
		row[4] = sample_number(s, id, rows[i].now, REPORT_UNIT_RATE, 2);
		row[5] = sample_change(s, id, rows[i].now, rows[i].before, 2);
		part[0] = (struct report_value){
		    .name = "n", .kind = REPORT_VALUE_INTEGER, .integer = (int64_t)i % 4 + 1};
		part[1] = (struct report_value){
		    .name = "m", .kind = REPORT_VALUE_INTEGER, .integer = 4};
		row[6] = (struct report_value){.kind = REPORT_VALUE_MESSAGE, .text = "cell.of",
		    .values = part, .value_count = 2};
	}
	notes[0] = sample_say(s, "サービス名はIANAの登録によるもので、パケットがそのプロトコルのもので"
	    "あることを意味しません。", "Service names follow IANA and do not mean that the packets use "
	    "that protocol.");
	notes[1] = sample_say(s, "増減は両期間で稼働したセンサーによるものです。",
	    "Changes are computed on the sensors present in both periods.");
	notes[2] = sample_say(s, "登録のないサービス名は空欄です。", "Ports without a name have none.");
	notes[2].column = "service";
	*table = (struct report_table){.id = "ports",
	    .caption = sample_say(s, "宛先ポート別のアクセス件数", "Access by destination port"),
	    .columns = columns, .column_count = width, .cells = cells, .row_count = count,
	    .notes = notes, .note_count = 3};
	(void)report_block_add(s->d, &block);
}

/* Words of attackers in cells. */
static inline void sample_logins(struct sample *s)
{
	static const char *const rows[][2] = {
		{"root", "<script>alert(\"1\")</script>"}, {"=cmd|' /C calc'!A0", "a|b*c_d`e`"},
		{"admin\x1b[2J\n━━━", "[x](javascript:alert(1)) http://203.0.113.9/a.sh"},
		{"\xff\xfe\xe3\x81", "p\xe2\x80\xaeダ\xcc\x81ss & \"quotes\" 'single'"},
	};
	const size_t count = sizeof(rows) / sizeof(rows[0]);
	struct report_column *columns = report_alloc(s->d, 2 * sizeof(*columns));
	struct report_value *cells = report_alloc(s->d, 2 * count * sizeof(*cells));
	struct report_table *table = report_alloc(s->d, sizeof(*table));
	struct report_block block = {.kind = REPORT_BLOCK_TABLE, .table = table};

	columns[0] = (struct report_column){"layout.item", "user", REPORT_LEFT, true};
	columns[1] = (struct report_column){"layout.item", "password", REPORT_LEFT, true};
	for (size_t i = 0; i < 2 * count; i++)
		cells[i] = sample_text(rows[i / 2][i % 2]);
	*table = (struct report_table){.id = "logins",
	    .caption = sample_say(s, "試行されたID・パスワード", "Logins tried"),
	    .columns = columns, .column_count = 2, .cells = cells, .row_count = count};
	(void)report_block_add(s->d, &block);
}

/* What visitors spoke, by names that have words in both languages and names that have none. */
static inline void sample_spoken(struct sample *s)
{
	static const struct {
		const char *protocol, *event, *tried;
	} rows[] = {
		{"mqtt", "mqtt.connect.anonymous", ""}, {"http", "http.exploit.emerge-e3", "admin"},
		{"ftp", "ftp.command", "a,b"}, {"", "no-dot", "=1+1"},
		{"brand-new", "brand-new.thing\x1b", "\xe3\x83\x91\xe3\x82\xb9"},
	};
	const size_t count = sizeof(rows) / sizeof(rows[0]);
	struct report_column *columns = report_alloc(s->d, 3 * sizeof(*columns));
	struct report_value *cells = report_alloc(s->d, 3 * count * sizeof(*cells));
	struct report_table *table = report_alloc(s->d, sizeof(*table));
	struct report_block block = {.kind = REPORT_BLOCK_TABLE, .table = table};

	columns[0] = (struct report_column){"column.protocol", "protocol", REPORT_LEFT, true};
	columns[1] = (struct report_column){"column.event", "event", REPORT_LEFT, true};
	columns[2] = (struct report_column){"column.user", "user", REPORT_LEFT, true};
	for (size_t i = 0; i < count; i++) {
		cells[3 * i] = (struct report_value){.kind = REPORT_VALUE_PROTOCOL,
		    .text = rows[i].protocol};
		cells[3 * i + 1] = (struct report_value){.kind = REPORT_VALUE_EVENT,
		    .text = rows[i].event};
		cells[3 * i + 2] = (struct report_value){.kind = REPORT_VALUE_TRIED,
		    .text = rows[i].tried};
	}
	*table = (struct report_table){.id = "spoken",
	    .caption = sample_say(s, "通信の内容", "What was said"), .columns = columns,
	    .column_count = 3, .cells = cells, .row_count = count};
	(void)report_block_add(s->d, &block);
}

static inline void sample_series_figure(struct sample *s)
{
	double *now = report_alloc(s->d, SAMPLE_DAYS * sizeof(*now));
	double *before = report_alloc(s->d, SAMPLE_DAYS * sizeof(*before));
	struct report_series *series = report_alloc(s->d, 2 * sizeof(*series));
	struct report_figure *figure = report_alloc(s->d, sizeof(*figure));
	struct report_mark *marks = report_alloc(s->d, 3 * sizeof(*marks));
	struct report_block block = {.kind = REPORT_BLOCK_FIGURE, .figure = figure};

	for (int i = 0; i < SAMPLE_DAYS; i++) {
		now[i] = 9000 + 40.0 * i + 700 * ((i * 7 + 3) % 5) / 4.0;
		before[i] = 8800 + 20.0 * i + 500 * ((i * 3 + 1) % 4) / 3.0;
	}
	now[12] = now[13] = now[15] = NAN;
	before[30] = NAN;
	series[0] = (struct report_series){
	    .label = sample_text(s->ja ? "今期" : "This period"), .values = now};
	series[1] = (struct report_series){
	    .label = sample_text(s->ja ? "前期" : "Before"), .values = before, .muted = true};
	marks[0] = (struct report_mark){.day = s->d->period.from + 4, .number = 1,
	    .text = sample_say(s, "10/5 23/TCP:注意喚起を公開", "5 Oct, 23/TCP: advisory published")};
	marks[1] = (struct report_mark){.day = s->d->period.from + 15, .number = 2,
	    .text = sample_say(s, "10/16 全体:センサー<sim-jp-2>を移設し、観測に用いるIPアドレスを変更したため、"
	        "それ以前の観測結果とは単純に比較できないことに注意が必要です", "16 Oct, everything: sensor "
	        "<sim-jp-2> was moved to other addresses, so what it received before that day must not be "
	        "compared with what it received after it")};
	marks[2] = (struct report_mark){.day = s->d->period.from + 15, .number = 3,
	    .text = sample_say(s, "10/16 中国:CVE-2026-1234", "16 Oct, China: CVE-2026-1234")};
	*figure = (struct report_figure){.id = "access-daily", .marks = marks, .mark_count = 3, .kind = REPORT_FIGURE_LINES,
	    .caption = sample_say(s, "アクセス件数の推移", "Access per day"),
	    .alt = sample_say(s, "今期は上旬の9,000件台から下旬の10,000件台へ緩やかに増加しました。10月13日"
	        "から16日にかけて欠測があります。", "Access rose slowly from about 9,000 at the beginning "
	        "of the month to over 10,000 at its end; days between 13 and 16 October were not "
	        "observed."),
	    .unit = REPORT_UNIT_RATE, .decimals = 1, .point_count = SAMPLE_DAYS, .series = series,
	    .series_count = 2, .day_from = s->d->period.from};
	(void)report_block_add(s->d, &block);
}

static inline void sample_week_figure(struct sample *s)
{
	static const uint16_t ports[] = {23, 22, 443, 8728, 5555};
	static const double values[5][7] = {
		{300, 310, 290, 305, 320, 331, 322}, {120, 118, 130, 128, 119, 121, 125},
		{110, 112, 108, 119, 125, 118, 121}, {6, 6, 12, 61, 118, 122, 119},
		{20, 22, 19, 21, 18, 23, 20}};
	struct report_series *series = report_alloc(s->d, 5 * sizeof(*series));
	struct report_figure *figure = report_alloc(s->d, sizeof(*figure));
	struct report_mark *mark = report_alloc(s->d, sizeof(*mark));
	struct report_block block = {.kind = REPORT_BLOCK_FIGURE, .figure = figure};

	for (size_t i = 0; i < 5; i++) {
		series[i].label = (struct report_value){
		    .kind = REPORT_VALUE_PORT, .integer = ports[i], .proto = 6};
		series[i].values = values[i];
	}
	*mark = (struct report_mark){.day = s->d->period.to - 4, .number = 4,
	    .text = sample_say(s, "10/28 8728/TCP:攻撃コードを公開", "28 Oct, 8728/TCP: exploit "
	        "published")};
	*figure = (struct report_figure){.id = "ports-daily", .marks = mark, .mark_count = 1, .kind = REPORT_FIGURE_LINES,
	    .caption = sample_say(s, "上位ポートの推移(最終週)", "Top ports, last week"),
	    .alt = sample_say(s, "8728/TCPが10月28日から増加し、22/TCPと並びました。",
	        "8728/TCP rose from 28 October and drew level with 22/TCP."),
	    .unit = REPORT_UNIT_RATE, .decimals = 1, .point_count = 7, .series = series,
	    .series_count = 5, .day_from = s->d->period.to - 7};
	(void)report_block_add(s->d, &block);
}

static inline void sample_country_figure(struct sample *s)
{
	static const char *const codes[] = {"US", "CN", "NL", "GB", "BA", "ZZ"};
	static const double now[] = {2204.5, 1893.25, 640.1, 404.04, 88.8, 3.2};
	static const double before[] = {2104.5, 2193.25, NAN, 304.04, 90.1, 0};
	struct report_value *labels = report_alloc(s->d, 6 * sizeof(*labels));
	struct report_series *series = report_alloc(s->d, 2 * sizeof(*series));
	struct report_figure *figure = report_alloc(s->d, sizeof(*figure));
	struct report_block block = {.kind = REPORT_BLOCK_FIGURE, .figure = figure};
	struct report_sentence *note = sample_keep(s, sample_say(s, "送信元の国・地域は攻撃者の所在を示すもの"
	    "ではありません(踏み台・詐称の可能性)。", "Countries of sources do not say where attackers are "
	    "(relays, spoofing)."));

	for (size_t i = 0; i < 6; i++)
		labels[i] = (struct report_value){.kind = REPORT_VALUE_COUNTRY, .text = codes[i]};
	series[0] = (struct report_series){
	    .label = sample_text(s->ja ? "今期" : "This period"), .values = now};
	series[1] = (struct report_series){
	    .label = sample_text(s->ja ? "前期" : "Before"), .values = before, .muted = true};
	*figure = (struct report_figure){.id = "countries", .kind = REPORT_FIGURE_BARS,
	    .caption = sample_say(s, "送信元国・地域別のアクセス件数", "Access by source country"),
	    .alt = sample_say(s, "米国が2,204.50件で最も多く、中国が続きます。",
	        "The United States lead with 2,204.50, followed by China."),
	    .unit = REPORT_UNIT_RATE, .decimals = 2, .labels = labels, .point_count = 6,
	    .series = series, .series_count = 2, .notes = note, .note_count = 1};
	(void)report_block_add(s->d, &block);
}

static inline void sample_body(struct sample *s)
{
	static const char *const summary[][2] = {
		{"令和8年10月期(今期)のセンサーにおいて検知したアクセス件数は、1日・1IPアドレス当たり9,612.4件"
		 "(約9秒に1回)で、9月期(前期)と比較して468.4件(5.1%)増加しました。",
		 "In October 2026, sensors received 9,612.4 packets per day per address (one every 9 "
		 "seconds), up 5.1% (468.4) from September."},
		{"送信元IPアドレス数は、1日当たり152,310.2個で、前期と比較して2,432.7個(1.6%)増加しました。",
		 "Distinct source addresses averaged 152,310.2 per day (+1.6%)."},
	};
	static const char *const items[][2] = {
		{"8728/TCPに対するアクセスが10月14日から増加しました(12台中11台のセンサー、広域)。",
		 "Access to 8728/TCP rose from 14 October (11 of 12 sensors, global)."},
		{"増加分の97%は12台中1台で受信した1900/UDP宛てのパケットによるもので、他のセンサーに顕著な変化は"
		 "見られません。広域的な傾向を示すものではないと考えられます(自動判定)。",
		 "97% of the increase are packets to 1900/UDP at one of 12 sensors; the others saw no "
		 "marked change, so this is not a wide trend (automatic judgement)."},
	};
	static const char *const terms[][2] = {
		{"件/日・IPアドレス", "packets per day per address"},
		{"センサーのIPアドレス1個が1日に受信したパケット数の平均。",
		 "The mean number of packets that one address of a sensor received in a day."},
		{"跳ね返りパケット", "backscatter"},
		{"送信元を詐称したDoS攻撃の被害者が返した応答。",
		 "Replies of victims of DoS attacks with spoofed sources."},
	};

	sample_heading(s, 1, "summary", "観測結果概要", "Summary");
	sample_block(s, REPORT_BLOCK_PARAGRAPH, summary, 2);
	sample_overview(s);
	sample_heading(s, 1, "access", "センサーに対するアクセス", "Access to sensors");
	sample_heading(s, 2, "access-series", "件数の推移", "Development");
	sample_series_figure(s);
	sample_heading(s, 2, "access-ports", "宛先ポート別", "Destination ports");
	sample_ports(s);
	sample_week_figure(s);
	sample_heading(s, 2, "access-countries", "送信元国・地域別", "Source countries");
	sample_country_figure(s);
	sample_heading(s, 1, "events", "注目事象", "Highlights");
	sample_block(s, REPORT_BLOCK_LIST, items, 2);
	sample_logins(s);
	sample_spoken(s);
	sample_heading(s, 1, "terms", "用語", "Terms");
	sample_block(s, REPORT_BLOCK_DEFINITIONS, terms, 4);
}

/* October 2026 against September; the caller frees. */
static inline struct report_document *sample_document(enum publish_language language)
{
	struct sample s = {.ja = language == PUBLISH_JA};
	struct civil from = {2026, 10, 1};
	struct civil to = {2026, 11, 1};
	struct civil before = {2026, 9, 1};

	if (report_document_new(&s.d) != ST_OK)
		abort();
	s.d->schema = "teiten.report/1";
	s.d->name = "monthly";
	s.d->period = (struct report_period){
	    REPORT_PERIOD_MONTH, civil_to_days(from), civil_to_days(to)};
	s.d->previous = (struct report_period){
	    REPORT_PERIOD_MONTH, civil_to_days(before), civil_to_days(from)};
	s.d->title = sample_say(&s, "令和8年10月期観測資料", "Observation report, October 2026");
	s.d->site_ja = "○○県サイバー定点観測";
	s.d->site_en = "Example Observatory";
	s.d->timezone = "Asia/Tokyo";
	s.d->made_us = (int64_t)civil_to_days(to) * CIVIL_US_PER_DAY;
	sample_body(&s);
	return s.d;
}
