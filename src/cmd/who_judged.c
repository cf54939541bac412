/* Roles and attacks of an address; the contract is in who_judged.h. */
#include "cmd/who_judged.h"

#include "base/civil.h"
#include "cmd/clustering.h"
#include "cmd/table.h"

#include <stdlib.h>
#include <string.h>

#define SPANS_SHOWN 10
#define ATTACKS_SHOWN 10
#define CLUSTERS_SHOWN 5

enum { CLUSTER_ID, CLUSTER_FIELDS, CLUSTER_TTL, CLUSTER_WINDOW, CLUSTER_OPTIONS, CLUSTER_SYNS };

/* Columns of cmd_who_roles and cmd_who_attacks. */
enum { ROLE_DATE, ROLE_KIND, ROLE_REASON, ROLE_PACKETS, ROLE_TOOL, ROLE_RESEARCH_NAME };
enum {
	ATTACK_KIND,
	ATTACK_PROTO,
	ATTACK_PORT,
	ATTACK_FIRST,
	ATTACK_LAST,
	ATTACK_PACKETS,
	ATTACK_PPM,
	ATTACK_DESTINATIONS,
	ATTACK_VECTOR,
};

static void copy_text(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text);
}

static void add_tool(struct who_judged *j, const char *tool)
{
	const char *at = buf_text(&j->tools);
	size_t len = strlen(tool);

	if (!len)
		return;
	for (; *at; at += strcspn(at, ","), at += *at == ',')
		if (strncmp(at, tool, len) == 0 && (at[len] == ',' || !at[len]))
			return;
	buf_printf(&j->tools, "%s%s", j->tools.len ? "," : "", tool);
}

/* A day goes on with the span before it when it follows and says the same. */
static void add_day(struct who_judged *j, const struct store_result *r, size_t row)
{
	const char *name = store_result_text(r, row, ROLE_KIND);
	int32_t day = (int32_t)store_result_int(r, row, ROLE_DATE);
	uint64_t packets = store_result_uint(r, row, ROLE_PACKETS);
	enum role role = role_find(name, strlen(name));
	struct who_span *span = j->span_count ? &j->spans[j->span_count - 1] : NULL;

	if (role == ROLE_COUNT)
		return;
	if (!span || span->role != role || span->to + 1 != day) {
		span = &j->spans[j->span_count++];
		*span = (struct who_span){.from = day, .role = role};
	}
	span->to = day;
	span->packets += packets;
	if (packets >= span->most) {
		span->most = packets;
		copy_text(span->reason, sizeof(span->reason), store_result_text(r, row, ROLE_REASON));
	}
	add_tool(j, store_result_text(r, row, ROLE_TOOL));
	if (store_result_text(r, row, ROLE_RESEARCH_NAME)[0])
		copy_text(j->research, sizeof(j->research),
		    store_result_text(r, row, ROLE_RESEARCH_NAME));
}

/* The role with most packets in all, and the reason of its largest span. */
static void choose(struct who_judged *j)
{
	uint64_t packets[ROLE_COUNT] = {0};
	uint64_t most = 0;

	j->role = ROLE_COUNT;
	for (size_t i = 0; i < j->span_count; i++)
		packets[j->spans[i].role] += j->spans[i].packets;
	for (unsigned role = 0; role < ROLE_COUNT; role++)
		if (packets[role] > most || (packets[role] && j->role == ROLE_COUNT)) {
			j->role = (enum role)role;
			most = packets[role];
		}
	most = 0;
	for (size_t i = 0; i < j->span_count; i++)
		if (j->spans[i].role == j->role && j->spans[i].packets >= most) {
			most = j->spans[i].packets;
			copy_text(j->reason, sizeof(j->reason), j->spans[i].reason);
		}
	/* Routers told us of a victim that sent nothing itself. */
	if (j->role == ROLE_COUNT && store_result_rows(j->attacks)) {
		j->role = ROLE_VICTIM_BACKSCATTER;
		(void)snprintf(j->reason, sizeof(j->reason),
		    "%llu replies to packets that were forged, reaching %llu addresses",
		    (unsigned long long)store_result_uint(j->attacks, 0, ATTACK_PACKETS),
		    (unsigned long long)store_result_uint(j->attacks, 0, ATTACK_DESTINATIONS));
	}
}

int who_judged_load(struct who_judged *j, struct window *w, const char *hi, const char *lo,
    struct err *err)
{
	const struct store_param params[] = {
	    {.name = "hi", .kind = STORE_PARAM_SQL, .text = hi},
	    {.name = "lo", .kind = STORE_PARAM_SQL, .text = lo},
	};
	struct store_result *days = NULL;
	int r = window_ask(w, "cmd_who_roles", params, 2, &days, err);

	if (r == ST_OK)
		r = window_ask(w, "cmd_who_attacks", params, 2, &j->attacks, err);
	if (r == ST_OK)
		r = window_ask(w, "cmd_who_clusters", params, 2, &j->clusters, err);
	if (r == ST_OK) {
		j->spans = command_need(calloc(store_result_rows(days) + 1, sizeof(*j->spans)));
		for (size_t i = 0; i < store_result_rows(days); i++)
			add_day(j, days, i);
		choose(j);
	}
	store_result_free(days);
	return r;
}

void who_judged_fini(struct who_judged *j)
{
	free(j->spans);
	buf_fini(&j->tools);
	store_result_free(j->attacks);
	store_result_free(j->clusters);
	memset(j, 0, sizeof(*j));
}

/* ---- programs ------------------------------------------------------------------------------- */

static void put_string(struct buf *b, const char *name, const char *text)
{
	buf_printf(b, "\"%s\": ", name);
	table_json_string(b, text, strlen(text));
}

static void put_moment(struct buf *b, const char *name, int64_t seconds)
{
	char time[CIVIL_TIME_TEXT_MAX];

	buf_printf(b, "\"%s\": \"%s\"", name,
	    civil_format_time(seconds * CIVIL_US_PER_SECOND, time));
}

static void put_attack(const struct store_result *a, size_t i, struct buf *b)
{
	char port[24];

	window_port_text((uint32_t)store_result_uint(a, i, ATTACK_PROTO) << 16
	    | (uint32_t)store_result_uint(a, i, ATTACK_PORT), port);
	buf_puts(b, i ? ",\n     {" : "{");
	put_string(b, "kind", store_result_text(a, i, ATTACK_KIND));
	buf_puts(b, ", ");
	put_string(b, "port", port);
	buf_puts(b, ", ");
	put_moment(b, "start", store_result_int(a, i, ATTACK_FIRST));
	buf_puts(b, ", ");
	put_moment(b, "end", store_result_int(a, i, ATTACK_LAST));
	buf_printf(b, ", \"packets\": %llu, \"max_ppm\": %llu, \"destinations\": %llu, ",
	    (unsigned long long)store_result_uint(a, i, ATTACK_PACKETS),
	    (unsigned long long)store_result_uint(a, i, ATTACK_PPM),
	    (unsigned long long)store_result_uint(a, i, ATTACK_DESTINATIONS));
	put_string(b, "vector", store_result_text(a, i, ATTACK_VECTOR));
	buf_putc(b, '}');
}

static void put_clusters(const struct store_result *c, struct buf *b)
{
	buf_puts(b, "\"clusters\": [");
	for (size_t i = 0; i < store_result_rows(c); i++) {
		char name[CLUSTERS_NAME_MAX];
		unsigned fields = (unsigned)store_result_uint(c, i, CLUSTER_FIELDS);
		bool any = false;

		buf_puts(b, i ? ",\n     {" : "{");
		put_string(b, "cluster", clusters_name((uint32_t)store_result_uint(c, i, CLUSTER_ID),
		    name));
		buf_puts(b, ", \"fields\": [");
		for (unsigned f = 0; f < CLUSTERS_FIELD_COUNT; f++) {
			if (!(fields & 1u << f))
				continue;
			buf_printf(b, "%s\"%s\"", any ? ", " : "", clusters_field_name(f));
			any = true;
		}
		buf_printf(b, "], \"initial_ttl\": %llu, \"window\": %llu, ",
		    (unsigned long long)store_result_uint(c, i, CLUSTER_TTL),
		    (unsigned long long)store_result_uint(c, i, CLUSTER_WINDOW));
		put_string(b, "options", store_result_text(c, i, CLUSTER_OPTIONS));
		buf_printf(b, ", \"packets\": %llu}",
		    (unsigned long long)store_result_uint(c, i, CLUSTER_SYNS));
	}
	buf_puts(b, "],\n   ");
}

void who_judged_json(const struct who_judged *j, struct buf *b)
{
	const char *tool = buf_text(&j->tools);
	char date[CIVIL_DATE_TEXT_MAX];

	if (j->role == ROLE_COUNT) {
		buf_puts(b, "\"role\": null, \"reason\": null, ");
	} else {
		put_string(b, "role", role_name(j->role));
		buf_puts(b, ", ");
		put_string(b, "reason", j->reason);
		buf_puts(b, ", ");
	}
	buf_puts(b, "\"tools\": [");
	while (*tool) {
		size_t len = strcspn(tool, ",");

		table_json_string(b, tool, len);
		tool += len + (tool[len] == ',');
		if (*tool)
			buf_puts(b, ", ");
	}
	buf_puts(b, "],\n   ");
	put_clusters(j->clusters, b);
	buf_puts(b, "\"roles\": [");
	for (size_t i = 0; i < j->span_count; i++) {
		const struct who_span *span = &j->spans[i];

		buf_puts(b, i ? ",\n     {" : "{");
		put_string(b, "from", civil_format_date(span->from, date));
		buf_puts(b, ", ");
		put_string(b, "to", civil_format_date(span->to, date));
		buf_puts(b, ", ");
		put_string(b, "role", role_name(span->role));
		buf_puts(b, ", ");
		put_string(b, "reason", span->reason);
		buf_printf(b, ", \"packets\": %llu}", (unsigned long long)span->packets);
	}
	buf_puts(b, "],\n   \"attacks\": [");
	for (size_t i = 0; i < store_result_rows(j->attacks); i++)
		put_attack(j->attacks, i, b);
	buf_puts(b, "], ");
}

/* ---- people --------------------------------------------------------------------------------- */

static void put_local(struct zone *zone, int64_t seconds, struct buf *b)
{
	int64_t us = seconds * CIVIL_US_PER_SECOND;
	int32_t offset = zone_offset(zone, us);
	char text[CIVIL_TIME_TEXT_MAX];

	(void)civil_format_time(us + offset * CIVIL_US_PER_SECOND, text);
	buf_printf(b, "%.19s%c%02d:%02d", text, offset < 0 ? '-' : '+', abs(offset) / 3600,
	    abs(offset) / 60 % 60);
}

static void put_attack_line(const struct store_result *a, size_t i, bool ja, struct zone *zone,
    struct buf *b)
{
	bool reflection = strcmp(store_result_text(a, i, ATTACK_KIND), "reflection") == 0;
	const char *vector = store_result_text(a, i, ATTACK_VECTOR);

	put_local(zone, store_result_int(a, i, ATTACK_FIRST), b);
	buf_puts(b, ja ? " 〜 " : " to ");
	put_local(zone, store_result_int(a, i, ATTACK_LAST), b);
	buf_puts(b, reflection ? (ja ? "  反射型 " : "  reflection ")
	                       : (ja ? "  跳ね返り " : "  backscatter "));
	publish_port(b, (uint8_t)store_result_uint(a, i, ATTACK_PROTO),
	    (uint16_t)store_result_uint(a, i, ATTACK_PORT));
	if (vector[0])
		buf_printf(b, " %s", vector);
	buf_puts(b, "  ");
	publish_number(b, (double)store_result_uint(a, i, ATTACK_PACKETS), 0);
	buf_puts(b, ja ? "件\n" : " packets\n");
}

void who_judged_people(const struct who_judged *j, const struct publish_style *style,
    struct zone *zone, void (*heading)(void *arg, const char *ja, const char *en, struct buf *b),
    void *arg, struct buf *b)
{
	bool ja = style->language == PUBLISH_JA;
	char date[CIVIL_DATE_TEXT_MAX];

	if (j->role == ROLE_COUNT)
		return;
	heading(arg, "判定(自動)", "role (judged)", b);
	buf_printf(b, "%s\n", roles_word(j->role, style->language));
	heading(arg, "理由", "reason", b);
	roles_put_reason(b, j->reason, style->language);
	buf_putc(b, '\n');
	if (roles_advice(j->role, style->language)[0]) {
		heading(arg, "扱い", "treatment", b);
		buf_printf(b, "%s\n", roles_advice(j->role, style->language));
	}
	for (size_t i = 0; j->span_count > 1 && i < j->span_count && i < SPANS_SHOWN; i++) {
		const struct who_span *span = &j->spans[j->span_count - 1 - i]; /* newest first */

		heading(arg, i ? "" : "日ごと", i ? "" : "by day", b);
		buf_printf(b, "%s", civil_format_date(span->from, date));
		if (span->to != span->from)
			buf_printf(b, ja ? "〜%s" : " to %s", civil_format_date(span->to, date));
		buf_printf(b, "  %s: ", roles_word(span->role, style->language));
		roles_put_reason(b, span->reason, style->language);
		buf_putc(b, '\n');
	}
	for (size_t i = 0; i < store_result_rows(j->attacks) && i < ATTACKS_SHOWN; i++) {
		heading(arg, i ? "" : "受けた攻撃", i ? "" : "attacks on it", b);
		put_attack_line(j->attacks, i, ja, zone, b);
	}
	if (j->tools.len) {
		heading(arg, "ツール", "tools", b);
		buf_printf(b, "%s\n", buf_text(&j->tools));
	}
	for (size_t i = 0; i < store_result_rows(j->clusters) && i < CLUSTERS_SHOWN; i++) {
		char name[CLUSTERS_NAME_MAX];

		heading(arg, i ? "" : "固定項目", i ? "" : "constants", b);
		clustering_put_fields((uint32_t)store_result_uint(j->clusters, i, CLUSTER_FIELDS), ja, b);
		buf_printf(b, ja ? "(%s、" : " (%s, ", clusters_name(
		    (uint32_t)store_result_uint(j->clusters, i, CLUSTER_ID), name));
		clustering_put_shape((uint8_t)store_result_uint(j->clusters, i, CLUSTER_TTL),
		    (unsigned)store_result_uint(j->clusters, i, CLUSTER_WINDOW),
		    store_result_text(j->clusters, i, CLUSTER_OPTIONS), ja, b);
		buf_puts(b, ja ? ")\n" : ")\n");
	}
}
