/*
 * teiten who: what the store saw of one address.
 *
 * Everything about packets comes from flow, exact to the second, and from victim_day for days
 * whose flow is gone; what the address said is in who_records.c.
 * An address that only answered attackers who forged it (backscatter) is told apart from one that
 * knocked itself; what the address was judged to be is in who_judged.c.
 */
#include "cmd/table.h"
#include "cmd/who_judged.h"
#include "cmd/who_records.h"
#include "cmd/window.h"

#include "base/civil.h"
#include "base/ip.h"

#include <stdlib.h>
#include <string.h>

#define WHO_PORTS_SHOWN 10
#define WHO_SIGNATURES_MAX 10
#define WHO_SIGNATURE_TEXT 200
#define WHO_SENSORS_SHOWN 10
#define WHO_RECORDS_SHOWN 10
#define WHO_RECORDS_MAX 10000

enum {
	OPTION_ALL = 1,
};

struct who_port {
	int class;
	uint32_t key;
	uint64_t packets;
};

struct who {
	const struct command *self;
	struct command_common common;
	struct publish_style style;
	struct window w;
	struct zone *zone; /* of printed times */
	bool all;
	struct ip ip;
	char text[IP_TEXT_MAX];
	struct buf hi;
	struct buf lo;
	int64_t first; /* seconds */
	int64_t last;
	uint64_t packets[RECORD_CLASS_COUNT];
	unsigned marks;
	char country[3];
	uint32_t asn;
	struct who_port *ports;
	size_t port_count;
	struct buf sensors; /* names, comma */
	size_t sensor_count;
	char signatures[WHO_SIGNATURES_MAX][WHO_SIGNATURE_TEXT];
	size_t signature_count;
	uint64_t sessions;
	struct who_records records;
	struct who_judged judged;
};

static int run(int argc, char **argv);

const struct command command_who = {
    .name = "who",
    .summary = "What was seen of one address",
    .usage = "usage: teiten who IP [-s STORE] [--all] [--json]\n"
             "\n"
             "Prints when, where and with what an address was seen: first and last moment,\n"
             "packets by class, ports, marks, country and AS, sensors, SYN signatures; and what\n"
             "it said: protocols, logins tried (passwords masked), commands, payloads;\n"
             "and its alerts: signatures that matched.\n"
             "And what it was judged to be, day by day, with the reason: scanner, actor,\n"
             "infected, research, victim-backscatter, victim-reflection, reflector,\n"
             "misconfigured or unknown.  A victim answered packets somebody forged in our\n"
             "addresses' name, or is asked for in its own: never block it.\n"
             "\n"
             "  -s STORE        directory of the store (default: store.path)\n"
             "  --all           all of each list, not only the first ten\n"
             "  --credentials   passwords in full (JSON always has them)\n"
             "\n"
             "Exit status: 4 when the address was never seen.\n"
             "\n"
             "Examples:\n"
             "  teiten who 203.0.113.45\n"
             "  teiten who 2001:db8::1 --json | jq -r '.[0] | .role, .reason'\n",
    .run = run,
};

/* ---- asking --------------------------------------------------------------------------------- */

static int ask(struct who *who, const char *question, bool target, struct store_result **ret_result,
    struct err *err)
{
	const struct store_param params[] = {
	    {.name = "hi", .kind = STORE_PARAM_SQL, .text = buf_text(&who->hi)},
	    {.name = "lo", .kind = STORE_PARAM_SQL, .text = buf_text(&who->lo)},
	    {.name = "target"},
	};

	return window_ask(&who->w, question, params, target ? 3 : 2, ret_result, err);
}

static void add_port(struct who *who, int class, uint32_t key, uint64_t packets)
{
	who->ports = command_need(realloc(who->ports, (who->port_count + 1) * sizeof(*who->ports)));
	who->ports[who->port_count++] = (struct who_port){class, key, packets};
	who->packets[class] += packets;
}

static void saw(struct who *who, int64_t first, int64_t last, const char *country, uint32_t asn)
{
	if (who->first == 0 || first < who->first)
		who->first = first;
	if (last > who->last)
		who->last = last;
	if (country[0] && (!who->country[0] || strcmp(who->country, "ZZ") == 0))
		(void)snprintf(who->country, sizeof(who->country), "%.2s", country);
	if (asn)
		who->asn = asn;
}

static int load_ports(struct who *who, struct err *err)
{
	struct store_result *result;
	int r = ask(who, "cmd_who_ports", true, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		int class = (int)store_result_int(result, i, 0);

		if (class < 0 || class >= RECORD_CLASS_COUNT)
			continue;
		add_port(who, class, (uint32_t)store_result_uint(result, i, 1),
		    store_result_uint(result, i, 2));
		for (unsigned bit = 0; bit < RECORD_MARK_COUNT; bit++)
			if (store_result_int(result, i, 5 + bit))
				who->marks |= 1u << bit;
		/* Backscatter's country is the victim's, and the victim may be another address. */
		saw(who, store_result_int(result, i, 3), store_result_int(result, i, 4),
		    class == RECORD_CLASS_BACKSCATTER ? "" : store_result_text(result, i, 9),
		    class == RECORD_CLASS_BACKSCATTER ? 0
		                                      : (uint32_t)store_result_uint(result, i, 10));
	}
	store_result_free(result);
	return ST_OK;
}

/* Attacks on the address; where flow still has them they are counted already. */
static int load_victim(struct who *who, struct err *err)
{
	struct store_result *result;
	struct zone *zone = store_zone(who->w.store);
	bool counted = who->packets[RECORD_CLASS_BACKSCATTER] > 0;
	int r = ask(who, "cmd_who_victim", false, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		int64_t first = zone_day_start(zone, (int32_t)store_result_int(result, i, 2));
		int64_t last = zone_day_start(zone, (int32_t)store_result_int(result, i, 3) + 1);

		if (!counted) {
			add_port(who, RECORD_CLASS_BACKSCATTER,
			    (uint32_t)store_result_uint(result, i, 0),
			    store_result_uint(result, i, 1));
			saw(who, first / CIVIL_US_PER_SECOND, last / CIVIL_US_PER_SECOND - 1, "",
			    0);
		}
		saw(who, who->first, who->last, store_result_text(result, i, 4),
		    (uint32_t)store_result_uint(result, i, 5));
	}
	store_result_free(result);
	return ST_OK;
}

/* Sessions may be kept where the flow of their day is gone. */
static int load_sessions(struct who *who, struct err *err)
{
	struct store_result *result;
	int r = ask(who, "cmd_who_sessions", false, &result, err);

	if (r < 0)
		return r;
	who->sessions = store_result_uint(result, 0, 0);
	if (who->sessions)
		saw(who, store_result_int(result, 0, 1), store_result_int(result, 0, 2),
		    store_result_text(result, 0, 3), (uint32_t)store_result_uint(result, 0, 4));
	store_result_free(result);
	return ST_OK;
}

static int load_sensors(struct who *who, struct err *err)
{
	struct store_result *seen = NULL;
	struct store_result *names = NULL;
	int r = ask(who, "cmd_who_sensors", false, &seen, err);

	if (r == ST_OK)
		r = window_ask(&who->w, "cmd_sensors", NULL, 0, &names, err);
	if (r < 0)
		goto out;
	who->sensor_count = store_result_rows(seen);
	for (size_t i = 0; i < who->sensor_count && i < WHO_SENSORS_SHOWN; i++) {
		const char *name = "?";

		for (size_t n = 0; n < store_result_rows(names); n++)
			if (store_result_int(names, n, 0) == store_result_int(seen, i, 0))
				name = store_result_text(names, n, 1);
		buf_printf(&who->sensors, "%s%s", i ? "," : "", name);
	}
	if (who->sensor_count > WHO_SENSORS_SHOWN)
		buf_puts(&who->sensors, ",…");
out:
	store_result_free(seen);
	store_result_free(names);
	return r;
}

/* The text of a signature, or its number where the store has no text. */
static void put_signature(char text[WHO_SIGNATURE_TEXT], const struct store_result *result,
    size_t row)
{
	if (store_result_null(result, row, 1))
		(void)snprintf(text, WHO_SIGNATURE_TEXT, "%08x",
		    (unsigned)store_result_uint(result, row, 0));
	else
		(void)snprintf(text, WHO_SIGNATURE_TEXT, "%s", store_result_text(result, row, 1));
}

static int load_signatures(struct who *who, struct err *err)
{
	struct store_result *result;
	int r = ask(who, "cmd_who_signatures", false, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result) && i < WHO_SIGNATURES_MAX; i++)
		put_signature(who->signatures[who->signature_count++], result, i);
	store_result_free(result);
	return ST_OK;
}

/* ---- output --------------------------------------------------------------------------------- */

/* Local time with offset: 2026-10-01T09:00:00+09:00. */
static void put_time(const struct who *who, int64_t seconds, struct buf *b)
{
	int64_t us = seconds * CIVIL_US_PER_SECOND;
	int32_t offset = zone_offset(who->zone, us);
	char text[CIVIL_TIME_TEXT_MAX];

	(void)civil_format_time(us + offset * CIVIL_US_PER_SECOND, text);
	buf_printf(b, "%.19s%c%02d:%02d", text, offset < 0 ? '-' : '+', abs(offset) / 3600,
	    abs(offset) / 60 % 60);
}

static void put_marks(
    const struct who *who, const char *separator, const char *quote, struct buf *b)
{
	bool first = true;

	for (unsigned bit = 0; bit < RECORD_MARK_COUNT; bit++) {
		if (!(who->marks >> bit & 1))
			continue;
		buf_printf(
		    b, "%s%s%s%s", first ? "" : separator, quote, record_mark_name(bit), quote);
		first = false;
	}
}

static size_t shown_ports(const struct who *who)
{
	return who->all || who->port_count <= WHO_PORTS_SHOWN ? who->port_count : WHO_PORTS_SHOWN;
}

static void print_json(const struct who *who, struct buf *b)
{
	char time[CIVIL_TIME_TEXT_MAX];
	uint64_t all = 0;

	for (int c = 0; c < RECORD_CLASS_COUNT; c++)
		all += who->packets[c];
	buf_printf(b, "[\n  {\"source\": \"%s\", ", who->text);
	who_judged_json(&who->judged, b);
	buf_printf(
	    b, "\"first\": \"%s\",", civil_format_time(who->first * CIVIL_US_PER_SECOND, time));
	buf_printf(
	    b, " \"last\": \"%s\",\n", civil_format_time(who->last * CIVIL_US_PER_SECOND, time));
	buf_printf(b, "   \"packets\": %llu, \"classes\": {", (unsigned long long)all);
	for (int c = 0; c < RECORD_CLASS_COUNT; c++)
		buf_printf(b, "%s\"%s\": %llu", c ? ", " : "",
		    record_class_name((enum record_class)c), (unsigned long long)who->packets[c]);
	buf_puts(b, "},\n   \"ports\": [");
	for (size_t i = 0; i < shown_ports(who); i++) {
		char port[24];

		window_port_text(who->ports[i].key, port);
		buf_printf(b, "%s{\"port\": \"%s\", \"class\": \"%s\", \"packets\": %llu}",
		    i ? ", " : "", port, record_class_name((enum record_class)who->ports[i].class),
		    (unsigned long long)who->ports[i].packets);
	}
	buf_puts(b, "],\n   \"marks\": [");
	put_marks(who, ", ", "\"", b);
	buf_printf(b, "], \"country\": \"%s\", \"asn\": %u, \"sensors\": %zu,\n",
	    who->country[0] ? who->country : "ZZ", who->asn, who->sensor_count);
	buf_puts(b, "   \"syn_signatures\": [");
	for (size_t i = 0; i < who->signature_count; i++)
		buf_printf(b, "%s\"%s\"", i ? ", " : "", who->signatures[i]);
	buf_puts(b, "],\n");
	who_records_json(&who->records, b);
	buf_puts(b, "}\n]\n");
}

static void print_rows(const struct who *who, struct buf *b)
{
	static const struct table_column columns[] = {
	    {.name = "source"},
	    {.name = "class"},
	    {.name = "port"},
	    {.name = "packets", .type = TABLE_INT},
	};
	struct table *t = table_new(columns, 4);

	for (size_t i = 0; i < shown_ports(who); i++) {
		char port[24];

		window_port_text(who->ports[i].key, port);
		table_row(t);
		table_set_text(t, 0, who->text);
		table_set_text(t, 1, record_class_name((enum record_class)who->ports[i].class));
		table_set_text(t, 2, port);
		table_set_uint(t, 3, who->ports[i].packets);
	}
	table_print(t, &who->common, b);
	table_free(t);
}

static void put_heading(const struct who *who, const char *ja, const char *en, struct buf *b)
{
	const char *text = who->style.language == PUBLISH_JA ? ja : en;
	size_t width = publish_width(&who->style, text, strlen(text));

	buf_puts(b, text);
	for (size_t i = width; i < 14; i++)
		buf_putc(b, ' ');
}

static void print_ports(const struct who *who, struct buf *b)
{
	bool ja = who->style.language == PUBLISH_JA;

	for (size_t i = 0; i < shown_ports(who); i++) {
		const struct who_port *p = &who->ports[i];

		put_heading(who, i ? "" : "宛先ポート", i ? "" : "ports", b);
		publish_port(b, (uint8_t)(p->key >> 16), (uint16_t)p->key);
		buf_printf(b, " %s  ", publish_service((uint8_t)(p->key >> 16), (uint16_t)p->key));
		publish_number(b, (double)p->packets, 0);
		buf_puts(b, ja ? "件" : " packets");
		if (p->class == RECORD_CLASS_BACKSCATTER)
			buf_puts(b, ja ? "(跳ね返り: 攻撃されたポート)"
			               : " (backscatter: the attacked port)");
		else if (p->class != RECORD_CLASS_REQUEST)
			buf_printf(b, " (%s)", record_class_name((enum record_class)p->class));
		buf_putc(b, '\n');
	}
	if (shown_ports(who) < who->port_count) {
		put_heading(who, "", "", b);
		buf_printf(b, ja ? "ほか%zu(--all で全て)\n" : "and %zu more (--all)\n",
		    who->port_count - shown_ports(who));
	}
}

static void put_record_heading(void *arg, const char *ja, const char *en, struct buf *b)
{
	put_heading(arg, ja, en, b);
}

static void print_people(struct who *who, struct buf *b)
{
	static const char *const class_ja[] = {"アクセス", "継続", "跳ね返り", "その他"};
	static const char *const class_en[] = {"access", "followup", "backscatter", "other"};
	bool ja = who->style.language == PUBLISH_JA;
	bool first = true;

	buf_printf(b, "%s  %s ", who->text, who->country[0] ? who->country : "ZZ");
	publish_country(b, &who->style, who->country[0] ? who->country : "ZZ");
	if (who->asn)
		buf_printf(b, "  AS%u", who->asn);
	buf_putc(b, '\n');
	who_judged_people(&who->judged, &who->style, who->zone, put_record_heading, who, b);
	put_heading(who, "観測", "seen", b);
	put_time(who, who->first, b);
	buf_puts(b, ja ? " 〜 " : " to ");
	put_time(who, who->last, b);
	buf_putc(b, '\n');
	for (int c = 0; c < RECORD_CLASS_COUNT; c++) {
		if (!who->packets[c])
			continue;
		if (first)
			put_heading(who, "件数", "packets", b);
		buf_printf(b, "%s%s ",
		    first ? ""
		    : ja  ? "、"
		          : ", ",
		    ja ? class_ja[c] : class_en[c]);
		publish_number(b, (double)who->packets[c], 0);
		first = false;
	}
	if (!first)
		buf_putc(b, '\n');
	print_ports(who, b);
	if (who->marks) {
		put_heading(who, "特徴", "marks", b);
		put_marks(who, ja ? "、" : ", ", "", b);
		buf_putc(b, '\n');
	}
	put_heading(who, "センサー", "sensors", b);
	buf_printf(
	    b, ja ? "%zu台(%s)\n" : "%zu (%s)\n", who->sensor_count, buf_text(&who->sensors));
	if (who->signature_count) {
		put_heading(who, "SYNの形", "SYN shapes", b);
		for (size_t i = 0; i < who->signature_count; i++)
			buf_printf(b, "%s%s", i ? "  " : "", who->signatures[i]);
		buf_putc(b, '\n');
	}
	who_records_people(&who->records, &who->style, put_record_heading, who, b);
	if (who->packets[RECORD_CLASS_BACKSCATTER] && !who->packets[RECORD_CLASS_REQUEST]
	    && (who->judged.role == ROLE_UNKNOWN || who->judged.role == ROLE_COUNT))
		buf_puts(
		    b, ja ? "※ DoS攻撃の被害を受けたとみられるIPアドレスです(送信元を詐称された攻撃"
		            "への応答を観測)。\n"
		          : "This address appears to have been the target of a DoS attack: it "
		            "answered\n"
		            "packets that somebody sent in our addresses' name.\n");
}

/* ---- the subcommand ------------------------------------------------------------------------- */

static int load(struct who *who)
{
	struct err err = {0};

	buf_printf(&who->hi, "toUInt64(%llu)", (unsigned long long)who->ip.hi);
	buf_printf(&who->lo, "toUInt64(%llu)", (unsigned long long)who->ip.lo);
	if (load_ports(who, &err) < 0 || load_victim(who, &err) < 0 ||
	    load_sessions(who, &err) < 0)
		goto failed;
	if (who->port_count == 0 && who->sessions == 0) {
		command_error(who->self, "%s was never seen", who->text);
		return COMMAND_NOT_FOUND;
	}
	if (who_judged_load(&who->judged, &who->w, buf_text(&who->hi), buf_text(&who->lo), &err) < 0)
		goto failed;
	if (load_sensors(who, &err) < 0 || load_signatures(who, &err) < 0)
		goto failed;
	who->records.credentials = who->common.credentials;
	if (who_records_load(&who->records, &who->w, buf_text(&who->hi), buf_text(&who->lo),
	        who->all ? WHO_RECORDS_MAX : WHO_RECORDS_SHOWN, &err) < 0)
		goto failed;
	return COMMAND_OK;
failed:
	command_error(who->self, "%s", err.text);
	return COMMAND_FAILED;
}

static int run_who(struct who *who, const struct window_options *options)
{
	struct err err = {0};
	struct buf b = {0};
	int r = window_open_store(who->self, options, &who->w);

	if (r != COMMAND_OK)
		return r;
	who->style = command_style(&who->common);
	if (zone_new(
	        who->common.timezone ? who->common.timezone : zone_name(store_zone(who->w.store)),
	        &who->zone, &err) < 0) {
		command_error(who->self, "%s", err.text);
		return COMMAND_FAILED;
	}
	r = load(who);
	if (r != COMMAND_OK)
		return r;
	if (who->common.format == COMMAND_HUMAN)
		print_people(who, &b);
	else if (who->common.format == COMMAND_JSON)
		print_json(who, &b);
	else
		print_rows(who, &b);
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	return COMMAND_OK;
}

static int run(int argc, char **argv)
{
	static const char *const names[] = {"-s=", "--all", NULL};
	struct who who = {.self = &command_who};
	struct window_options options = {0};
	const char *value;
	int index = 0;
	int option;
	int r;

	while ((option = command_option(
	            who.self, &who.common, argc, argv, &index, names, &value)) >= 0) {
		if (option == OPTION_ALL)
			who.all = true;
		else
			options.store = value;
	}
	if (option == COMMAND_OPTION_BAD)
		return COMMAND_USAGE;
	if (argc - index != 1) {
		command_error(who.self, "one address (teiten who -h)");
		return COMMAND_USAGE;
	}
	if (ip_parse(argv[index], strlen(argv[index]), &who.ip) < 0) {
		command_error(
		    who.self, "'%s' is no address; write 203.0.113.45 or 2001:db8::1", argv[index]);
		return COMMAND_USAGE;
	}
	(void)ip_format(who.ip, who.text);
	r = run_who(&who, &options);
	free(who.ports);
	buf_fini(&who.hi);
	buf_fini(&who.lo);
	buf_fini(&who.sensors);
	who_records_fini(&who.records);
	who_judged_fini(&who.judged);
	zone_free(who.zone);
	window_close(&who.w);
	return r;
}
