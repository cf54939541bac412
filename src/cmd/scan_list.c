/* Scans of a period; the contract is in scan_list.h. */
#include "cmd/scan_list.h"

#include "base/civil.h"
#include "fingerprint/stored.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PACKETS_CAP 10000 /* budgets tell numbers of packets apart up to here */
#define SIGNATURE_NONE "4:64:0:*:0,*:?0::0" /* no rule on the shape holds */

/* What all questions of one run share. */
struct asking {
	struct scan_list *list;
	struct window *w;
	const struct scan_list_options *options;
	struct buf source;     /* condition on src_hi, src_lo */
	struct buf target;     /* condition on proto, port */
	int64_t ports;         /* sources with more are summed over their ports */
};

static int ask(struct asking *a, const char *question, const struct store_param *params,
    size_t count, struct store_result **ret_result, struct err *err)
{
	return store_ask(a->w->store, question, params, count, a->list->since_day, a->w->now.to,
	    ret_result, err);
}

/* ---- which sources -------------------------------------------------------------------------- */

static uint64_t observed_addresses(const struct window *w)
{
	uint64_t total = 0;

	for (size_t i = 0; i < w->sensor_count; i++) {
		const struct window_sensor *s = &w->sensors[i];
		uint32_t most = 0;

		for (size_t n = 0; n < s->span_count; n++)
			if (s->spans[n].to > w->now_us && s->spans[n].from < w->to_us
			    && s->spans[n].addresses > most)
				most = s->spans[n].addresses;
		total += most;
	}
	return total;
}

static void set_rule(struct asking *a)
{
	const struct config *c = command_configuration();
	const struct scan_settings settings = {
		.packets = (uint64_t)c->detect.scan_packets,
		.destinations = (uint32_t)c->detect.scan_destinations,
		.ports = (uint32_t)c->detect.scan_ports,
		.rate = (uint64_t)c->detect.scan_rate,
		.gap_max_us = c->detect.scan_gap * CIVIL_US_PER_DAY,
		.slow_us = c->detect.scan_slow_minutes * CIVIL_US_PER_MINUTE,
	};
	struct scan_list *list = a->list;
	struct zone *zone = store_zone(a->w->store);

	list->rule = scan_rule_of(&settings, observed_addresses(a->w));
	list->since_day = a->w->now.from;
	/* Large networks see a scan's beginning soon enough, and have no rows to spare. */
	if (list->rule.bucket_us == CIVIL_US_PER_DAY)
		list->since_day -= c->detect.scan_history;
	list->since_us = zone_day_start(zone, list->since_day);
	/* Of one port each source is told by that port. */
	a->ports = a->options->has_port ? INT32_MAX : (int64_t)list->rule.ports;
}

static void set_conditions(struct asking *a)
{
	if (a->options->has_source)
		buf_printf(&a->source, "src_hi = toUInt64(%llu) AND src_lo = toUInt64(%llu)",
		    (unsigned long long)a->options->source.hi,
		    (unsigned long long)a->options->source.lo);
	else
		buf_puts(&a->source, "1 = 1");
	if (a->options->has_port)
		buf_printf(&a->target, "proto = %u AND port = %u", a->options->port >> 16,
		    a->options->port & UINT16_MAX);
	else
		buf_puts(&a->target, "1 = 1");
}

/*
 * From how many packets on sources are looked at: as many sources as make no more rows than there
 * is room for, those with the most packets first.
 */
static int choose_least(struct asking *a, struct err *err)
{
	struct scan_list *list = a->list;
	const struct store_param params[] = {
	    {.name = "cap", .int_value = PACKETS_CAP},
	    {.name = "ports", .int_value = a->ports},
	    {.name = "buckets", .int_value = CIVIL_US_PER_DAY / list->rule.bucket_us},
	    {.name = "since_day", .kind = STORE_PARAM_DATE, .int_value = list->since_day},
	    {.name = "to_day", .kind = STORE_PARAM_DATE, .int_value = a->w->now.to},
	    {.name = "now_day", .kind = STORE_PARAM_DATE, .int_value = a->w->now.from},
	    {.name = "source", .kind = STORE_PARAM_SQL, .text = buf_text(&a->source)},
	    {.name = "destinations", .int_value = list->rule.destinations},
	};
	struct store_result *r;
	uint64_t rows = 0;
	int rc = ask(a, "cmd_scans_budget", params, sizeof(params) / sizeof(params[0]), &r, err);

	if (rc)
		return rc;
	list->least = list->rule.packets;
	for (size_t i = 0; i < store_result_rows(r); i++) {
		uint64_t packets = store_result_uint(r, i, 0);

		if (packets < list->rule.packets)
			break;
		rows += store_result_uint(r, i, 3);
		if (rows <= SCAN_LIST_ROWS_MAX || i == 0)
			continue;
		if (list->left_out_sources == 0)
			list->least = packets + 1;
		list->left_out_sources += store_result_uint(r, i, 1);
		list->left_out_packets += store_result_uint(r, i, 2);
	}
	store_result_free(r);
	return ST_OK;
}

static void set_candidates(struct asking *a)
{
	struct scan_list *list = a->list;
	char since[CIVIL_DATE_TEXT_MAX];
	char now[CIVIL_DATE_TEXT_MAX];
	char to[CIVIL_DATE_TEXT_MAX];

	buf_printf(&list->candidates, "SELECT src_hi, src_lo FROM source_day WHERE date >= toDate('%s')"
	    " AND date < toDate('%s') AND %s GROUP BY src_hi, src_lo HAVING sum(packets) >= %llu"
	    " AND (sum(dsts) >= %u OR sum(ports) > %lld) AND max(date) >= toDate('%s')",
	    civil_format_date(list->since_day, since), civil_format_date(a->w->now.to, to),
	    buf_text(&a->source), (unsigned long long)list->least, list->rule.destinations,
	    (long long)a->ports, civil_format_date(a->w->now.from, now));
}

/* ---- events --------------------------------------------------------------------------------- */

enum { /* columns of cmd_scans */
	ROW_HI,
	ROW_LO,
	ROW_PROTO,
	ROW_PORT,
	ROW_PORTS,
	ROW_SENSOR,
	ROW_BUCKET,
	ROW_PACKETS,
	ROW_FIRST,
	ROW_LAST,
	ROW_BITS,
	ROW_HAS_BITS,
	ROW_ADDRESSES,
	ROW_MOST,
	ROW_MARKED,
	ROW_COUNTRY,
	ROW_ASN,
};

static uint8_t asked_of(const struct store_result *r, size_t row)
{
	int64_t port = store_result_int(r, row, ROW_PORT);

	if (store_result_int(r, row, ROW_PROTO) != 6 || store_result_int(r, row, ROW_MARKED))
		return SCAN_LIST_OTHER;
	return port == 5358 ? SCAN_LIST_HAJIME : port == 23 ? SCAN_LIST_TELNET : SCAN_LIST_OTHER;
}

/* The source of this row; rows come sorted. */
static void meet_source(struct scan_list *list, const struct store_result *r, size_t row)
{
	struct ip ip = {store_result_uint(r, row, ROW_HI), store_result_uint(r, row, ROW_LO)};
	struct scan_list_source *s = NULL;

	if (list->source_count)
		s = &list->sources[list->source_count - 1];
	if (!s || !ip_equal(s->ip, ip)) {
		if (list->source_count == list->source_capacity) {
			size_t capacity = list->source_capacity ? list->source_capacity * 2 : 256;

			list->source_capacity = capacity;
			list->sources = command_need(realloc(list->sources,
			    capacity * sizeof(*list->sources)));
		}
		s = &list->sources[list->source_count++];
		*s = (struct scan_list_source){.ip = ip, .tool = -1};
		s->asn = (uint32_t)store_result_uint(r, row, ROW_ASN);
		(void)snprintf(s->country, sizeof(s->country), "%.2s",
		    store_result_text(r, row, ROW_COUNTRY));
	}
	s->packets += store_result_uint(r, row, ROW_PACKETS);
	s->asked |= asked_of(r, row);
}

static int add_rows(struct scan_list *list, const struct store_result *r)
{
	int rc = ST_OK;

	for (size_t i = 0; i < store_result_rows(r) && !rc; i++) {
		const struct scan_sample sample = {
			.source = {store_result_uint(r, i, ROW_HI),
			    store_result_uint(r, i, ROW_LO)},
			.proto = (uint8_t)store_result_int(r, i, ROW_PROTO),
			.port = (uint16_t)store_result_int(r, i, ROW_PORT),
			.ports = (uint32_t)store_result_uint(r, i, ROW_PORTS),
			.sensor = (uint16_t)store_result_int(r, i, ROW_SENSOR),
			.first_us = store_result_int(r, i, ROW_FIRST) * CIVIL_US_PER_SECOND,
			.last_us = store_result_int(r, i, ROW_LAST) * CIVIL_US_PER_SECOND,
			.packets = store_result_uint(r, i, ROW_PACKETS),
			.dst_bits = store_result_uint(r, i, ROW_BITS),
			.dsts = store_result_uint(r, i, ROW_ADDRESSES),
			.has_bits = store_result_int(r, i, ROW_HAS_BITS),
			.dsts_most = store_result_uint(r, i, ROW_MOST),
			.marked = store_result_int(r, i, ROW_MARKED),
		};

		meet_source(list, r, i);
		rc = scans_add(list->scans, &sample);
	}
	return rc;
}

/* Events that are over before the period, or begin behind it, are another period's. */
static void keep_overlapping(struct scan_list *list, const struct window *w)
{
	size_t count;
	const struct scan *all = scans_list(list->scans, &count);

	list->kept = command_need(calloc(count + 1, sizeof(*list->kept)));
	for (size_t i = 0; i < count; i++)
		if (all[i].end_us >= w->now_us && all[i].start_us < w->to_us)
			list->kept[list->count++] = all[i];
	list->list = list->kept;
}

static int load_scans(struct asking *a, struct err *err)
{
	struct scan_list *list = a->list;
	const struct store_param params[] = {
	    {.name = "bucket", .int_value = list->rule.bucket_us / CIVIL_US_PER_SECOND},
	    {.name = "since", .kind = STORE_PARAM_TIME, .int_value = list->since_us},
	    {.name = "to", .kind = STORE_PARAM_TIME, .int_value = a->w->to_us},
	    {.name = "since_day", .kind = STORE_PARAM_DATE, .int_value = list->since_day},
	    {.name = "to_day", .kind = STORE_PARAM_DATE, .int_value = a->w->now.to},
	    {.name = "target", .kind = STORE_PARAM_SQL, .text = buf_text(&a->target)},
	    {.name = "candidates", .kind = STORE_PARAM_SQL, .text = buf_text(&list->candidates)},
	    {.name = "ports", .int_value = a->ports},
	};
	struct store_result *r = NULL;
	int rc = ask(a, "cmd_scans", params, sizeof(params) / sizeof(params[0]), &r, err);

	if (!rc && (scans_new(&list->rule, &list->scans) || add_rows(list, r)
	    || scans_finish(list->scans)))
		rc = err_set(err, -ENOMEM, "out of memory");
	store_result_free(r);
	if (!rc)
		keep_overlapping(list, a->w);
	return rc;
}

/* ---- tools ---------------------------------------------------------------------------------- */

/* Signatures that rules name, and the rules that hold for each; ids sorted. */
struct named {
	int64_t *ids;
	uint32_t *rules;
	size_t count;
	uint32_t others; /* rules that hold for any signature */
};

static int load_named(struct asking *a, struct named *named, struct err *err)
{
	struct store_result *r;
	int rc = ask(a, "cmd_signatures", NULL, 0, &r, err);
	size_t rows;

	if (rc)
		return rc;
	rows = store_result_rows(r);
	named->others = stored_rules_of(a->list->tools, SIGNATURE_NONE);
	named->ids = command_need(calloc(rows + 1, sizeof(*named->ids)));
	named->rules = command_need(calloc(rows + 1, sizeof(*named->rules)));
	for (size_t i = 0; i < rows; i++) {
		uint32_t rules = stored_rules_of(a->list->tools, store_result_text(r, i, 1));

		if (rules == named->others)
			continue;
		named->ids[named->count] = store_result_int(r, i, 0);
		named->rules[named->count++] = rules;
	}
	store_result_free(r);
	return ST_OK;
}

static uint32_t named_rules(const struct named *named, int64_t id)
{
	size_t low = 0;
	size_t high = named->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (named->ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < named->count && named->ids[low] == id ? named->rules[low] : named->others;
}

static void judge_tools(struct scan_list *list, const struct named *named,
    const struct store_result *r)
{
	size_t rows = store_result_rows(r);

	for (size_t i = 0; i < rows;) {
		struct ip ip = {store_result_uint(r, i, 0), store_result_uint(r, i, 1)};
		struct scan_list_source *s = NULL;
		struct tools_evidence evidence = {{0}};
		const struct scan_list_source *found = scan_list_source(list, ip);
		uint32_t judged;

		if (found)
			s = &list->sources[found - list->sources];
		for (; i < rows && ip.hi == store_result_uint(r, i, 0)
		    && ip.lo == store_result_uint(r, i, 1); i++) {
			uint64_t packets = store_result_uint(r, i, 6);
			uint32_t rules = stored_rules_match(list->tools,
			    named_rules(named, store_result_int(r, i, 3)),
			    (uint16_t)store_result_int(r, i, 2), (uint8_t)store_result_int(r, i, 4),
			    (uint8_t)store_result_int(r, i, 5));

			tools_evidence_add(&evidence,
			    packets > UINT32_MAX ? UINT32_MAX : (uint32_t)packets, rules);
		}
		judged = s ? tools_judge(list->tools, &evidence, s->packets) : 0;
		if (judged)
			s->tool = (int8_t)__builtin_ctz(judged);
	}
}

static void put_source(struct buf *b, struct ip ip)
{
	buf_printf(b, "%s(toUInt64(%llu), toUInt64(%llu))", b->len ? ", " : "",
	    (unsigned long long)ip.hi, (unsigned long long)ip.lo);
}

int scan_list_tools(struct scan_list *list, struct window *w, size_t count, struct err *err)
{
	struct asking a = {.list = list, .w = w};
	struct named named = {0};
	struct buf sources = {0};
	struct store_result *r;
	int rc = tools_new(NULL, &list->tools, err);

	if (!rc)
		rc = load_named(&a, &named, err);
	if (rc || count == 0)
		goto out;
	for (size_t i = 0; i < count && count <= SCAN_LIST_NAMED; i++)
		put_source(&sources, list->list[i].source);
	const struct store_param params[] = {
	    {.name = "since", .kind = STORE_PARAM_TIME, .int_value = list->since_us},
	    {.name = "to", .kind = STORE_PARAM_TIME, .int_value = w->to_us},
	    {.name = "sources", .kind = STORE_PARAM_SQL,
	        .text = buf_text(count <= SCAN_LIST_NAMED ? &sources : &list->candidates)},
	    {.name = "signatures", .kind = STORE_PARAM_INTS, .ints = named.ids,
	        .int_count = named.count},
	};
	rc = ask(&a, "cmd_source_marks", params, sizeof(params) / sizeof(params[0]), &r, err);
	if (!rc) {
		judge_tools(list, &named, r);
		store_result_free(r);
	}
out:
	buf_fini(&sources);
	free(named.ids);
	free(named.rules);
	return rc;
}

const struct scan_list_source *scan_list_source(const struct scan_list *list, struct ip ip)
{
	size_t low = 0;
	size_t high = list->source_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ip_compare(list->sources[middle].ip, ip) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->source_count && ip_equal(list->sources[low].ip, ip) ? &list->sources[low]
	                                                                       : NULL;
}

const char *scan_list_tool(const struct scan_list *list, const struct scan_list_source *source)
{
	if (!list->tools || !source)
		return NULL;
	if (source->tool < 0)
		return source->asked == (SCAN_LIST_HAJIME | SCAN_LIST_TELNET) ? "hajime-like" : NULL;
	return tools_name(list->tools, (unsigned)source->tool);
}

/* ---- ports ---------------------------------------------------------------------------------- */

static void take_ports(struct scan_list *list, const struct store_result *r)
{
	for (size_t i = 0; i < store_result_rows(r); i++) {
		struct ip ip = {store_result_uint(r, i, 0), store_result_uint(r, i, 1)};
		const struct scan_list_source *found = scan_list_source(list, ip);
		struct scan_list_source *s;

		if (!found)
			continue;
		s = &list->sources[found - list->sources];
		if (s->ports < SCAN_LIST_PORTS)
			s->top[s->ports] = (uint32_t)store_result_uint(r, i, 2) << 16
			    | (uint32_t)store_result_uint(r, i, 3);
		s->ports++;
	}
}

int scan_list_ports(struct scan_list *list, struct window *w, size_t count, struct err *err)
{
	struct buf sources = {0};
	struct store_result *r = NULL;
	size_t asked = 0;
	uint64_t rows = 0;
	int rc;

	for (size_t i = 0; i < count && asked < SCAN_LIST_NAMED; i++) {
		const struct scan *scan = &list->list[i];

		if (scan->shape == SCAN_HORIZONTAL || rows > SCAN_LIST_ROWS_MAX)
			continue;
		put_source(&sources, scan->source);
		asked++;
		rows += scan->packets < UINT16_MAX ? scan->packets : UINT16_MAX;
	}
	const struct store_param params[] = {
	    {.name = "since", .kind = STORE_PARAM_TIME, .int_value = list->since_us},
	    {.name = "to", .kind = STORE_PARAM_TIME, .int_value = w->to_us},
	    {.name = "sources", .kind = STORE_PARAM_SQL, .text = buf_text(&sources)},
	};
	rc = asked ? store_ask(w->store, "cmd_source_ports", params, 3, list->since_day, w->now.to,
	    &r, err) : ST_OK;
	if (!rc)
		take_ports(list, r);
	store_result_free(r);
	buf_fini(&sources);
	return rc;
}

/* ---- all of it ------------------------------------------------------------------------------ */

int scan_list_load(const struct command *self, struct window *w,
    const struct scan_list_options *options, struct scan_list *list)
{
	struct asking a = {.list = list, .w = w, .options = options};
	struct err err = {0};
	int rc;

	memset(list, 0, sizeof(*list));
	set_rule(&a);
	set_conditions(&a);
	rc = choose_least(&a, &err);
	if (!rc) {
		set_candidates(&a);
		rc = load_scans(&a, &err);
	}
	buf_fini(&a.source);
	buf_fini(&a.target);
	if (!rc)
		return COMMAND_OK;
	command_error(self, "%s", err.text);
	return COMMAND_FAILED;
}

void scan_list_fini(struct scan_list *list)
{
	scans_free(list->scans);
	tools_free(list->tools);
	free(list->kept);
	free(list->sources);
	buf_fini(&list->candidates);
	memset(list, 0, sizeof(*list));
}
