/* What a capture's sources were judged to be, and who was attacked; see analysis_judged.h. */
#include "cmd/analysis_judged.h"

#include "cmd/attack_json.h"
#include "cmd/roles.h"
#include "cmd/table.h"

#include "base/civil.h"

#include <stdlib.h>

#define TIME_TEXT_MAX 40

static void put_roles(struct buf *b, const struct analysis_view *view,
    const struct publish_style *style, const struct command_common *common)
{
	static const struct table_column columns[] = {
		{"role", "送信元の判定(自動)", "Role (judged)", TABLE_TEXT, TABLE_ALL},
		{"sources", "送信元", "Sources", TABLE_INT, TABLE_ALL},
		{"packets", "件数", "Packets", TABLE_INT, TABLE_ALL},
	};
	size_t count;
	const struct judgements_role *roles =
	    judgements_roles(pipeline_judgements(view->pipeline), &count);
	struct table *table;

	if (count == 0)
		return;
	table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < count; i++) {
		table_row(table);
		table_set_text(table, 0, role_name(roles[i].role));
		table_show(table, 0, "%s", roles_word(roles[i].role, style->language));
		table_set_count(table, 1, roles[i].sources);
		table_set_count(table, 2, roles[i].packets);
	}
	buf_putc(b, '\n');
	table_print(table, common, b);
	table_free(table);
}

static void put_attack(struct table *table, const struct attack *a, struct zone *zone, bool ja)
{
	int32_t offset = zone_offset(zone, a->start_us);
	char victim[IP_TEXT_MAX];
	char transport[8];
	char start[CIVIL_TIME_TEXT_MAX];

	(void)civil_format_time(a->start_us + offset * CIVIL_US_PER_SECOND, start);
	table_row(table);
	table_set_text(table, 0, ip_format(a->victim, victim));
	table_set_text(table, 1, attack_kind_name(a->kind));
	if (ja)
		table_show(table, 1, "%s", a->kind == ATTACK_REFLECTION ? "反射型" : "跳ね返り");
	table_show(table, 2, "%u/%s%s", a->port, attack_transport(a, transport),
	    a->many_ports ? " …" : "");
	table_show(table, 3, "%.10s %.8s", start, start + 11);
	table_show(table, 4, "%lld", (long long)((a->end_us - a->start_us) / CIVIL_US_PER_MINUTE));
	table_set_count(table, 5, a->packets);
	table_set_count(table, 6, a->max_ppm);
}

static void put_attacks(struct buf *b, const struct analysis_view *view,
    const struct publish_style *style, const struct command_common *common)
{
	static const struct table_column columns[] = {
		{"victim", "被害を受けたとみられるIPアドレス", "Victim of an attack", TABLE_TEXT, TABLE_ALL},
		{"kind", "種別", "Kind", TABLE_TEXT, TABLE_ALL},
		{"port", "ポート", "Port", TABLE_INT, TABLE_ALL},
		{"start", "開始", "Start", TABLE_TEXT, TABLE_ALL},
		{"minutes", "継続(分)", "Minutes", TABLE_INT, TABLE_ALL},
		{"packets", "件数", "Packets", TABLE_INT, TABLE_ALL},
		{"max_ppm", "最大/分", "Max/min", TABLE_INT, TABLE_ALL},
	};
	bool ja = style->language == PUBLISH_JA;
	size_t count;
	const struct attack *attacks =
	    attacks_list(judgements_attacks(pipeline_judgements(view->pipeline)), &count);
	size_t shown = view->all || count < ANALYSIS_TOP ? count : ANALYSIS_TOP;
	struct table *table;

	if (count == 0)
		return;
	table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < shown; i++)
		put_attack(table, &attacks[i], view->zone, ja);
	buf_putc(b, '\n');
	table_print(table, common, b);
	table_free(table);
	if (shown < count)
		buf_printf(b, ja ? "ほか%zu件(--all で全て)\n" : "and %zu more (--all)\n",
		    count - shown);
	buf_puts(b, ja ? "※ 攻撃を受けた側のアドレスです。ブロック対象にしないでください。\n"
	               : "These addresses were attacked: do not block them.\n");
}

void analysis_judged_text(struct buf *b, const struct analysis_view *view,
    const struct publish_style *style, const struct command_common *common)
{
	put_roles(b, view, style, common);
	put_attacks(b, view, style, common);
}
