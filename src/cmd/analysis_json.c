/* The document teiten.analysis/1 of design §8; the contract is in analysis.h. */
#include "cmd/analysis.h"
#include "cmd/analysis_visits.h"
#include "cmd/attack_json.h"

#include "base/civil.h"
#include "base/utf8.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *text_json(const char *text)
{
	struct buf b = {0};
	json_t *json;

	utf8_append_valid(&b, text, strlen(text));
	json = json_string(buf_text(&b));
	buf_fini(&b);
	return json;
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *time_json(int64_t time_us)
{
	char text[CIVIL_TIME_TEXT_MAX];

	return json_string(civil_format_time(time_us, text));
}

static json_t *files_json(const struct pipeline *p)
{
	json_t *list = json_array();
	size_t count;
	const struct capture_file *files = pipeline_files(p, &count);

	for (size_t i = 0; i < count; i++) {
		const struct capture_file *f = &files[i];
		json_t *o = json_object();

		json_object_set_new(o, "name", text_json(f->name));
		json_object_set_new(o, "format", json_string(capture_format_name(f->format)));
		json_object_set_new(o, "compression", json_string(f->compression));
		json_object_set_new(o, "packets", number(f->packets));
		json_object_set_new(o, "filtered", number(f->filtered));
		json_object_set_new(o, "bytes", number(f->bytes));
		json_object_set_new(o, "first", f->packets ? time_json(f->first_us) : json_null());
		json_object_set_new(o, "last", f->packets ? time_json(f->last_us) : json_null());
		json_object_set_new(o, "error",
		    f->error == ST_OK ? json_null() : text_json(f->error_text));
		if (f->error != ST_OK)
			json_object_set_new(o, "error_offset", number(f->error_offset));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *packets_json(const struct tally_counters *c)
{
	json_t *dropped = json_object();
	uint64_t named = 0;
	char name[32];

	for (size_t i = 1; i < DECODE_DROP_COUNT; i++)
		if (c->dropped[i] && i != DECODE_DROP_LINK_TYPE)
			json_object_set_new(dropped, decode_drop_name((enum decode_drop)i),
			    number(c->dropped[i]));
	for (size_t i = 0; i < TALLY_LINKTYPES_MAX && c->undecoded[i].packets; i++) {
		(void)snprintf(name, sizeof(name), "linktype-%u", c->undecoded[i].linktype);
		json_object_set_new(dropped, name, number(c->undecoded[i].packets));
		named += c->undecoded[i].packets;
	}
	if (c->dropped[DECODE_DROP_LINK_TYPE] > named)
		json_object_set_new(dropped, "linktype-other",
		    number(c->dropped[DECODE_DROP_LINK_TYPE] - named));
	return json_pack("{s:o,s:o,s:o}", "read", number(c->read), "counted", number(c->counted),
	    "dropped", dropped);
}

static const char *port_text(char text[16], uint8_t proto, uint16_t port)
{
	const char *name = proto == 6 ? "tcp" : proto == 17 ? "udp" : proto == 1 ? "icmp"
	    : proto == 58 ? "icmpv6" : NULL;

	if (name)
		(void)snprintf(text, 16, "%u/%s", port, name);
	else
		(void)snprintf(text, 16, "%u/ip%u", port, proto);
	return text;
}

static size_t shown(const struct analysis_view *view, size_t count)
{
	return view->all || count < ANALYSIS_TOP ? count : ANALYSIS_TOP;
}

static json_t *roles_json(const struct analysis_view *view)
{
	json_t *list = json_array();
	size_t count;
	const struct judgements_role *roles =
	    judgements_roles(pipeline_judgements(view->pipeline), &count);

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_pack("{s:s,s:o,s:o}", "role", role_name(roles[i].role),
		    "sources", number(roles[i].sources), "packets", number(roles[i].packets)));
	return list;
}

static json_t *attacks_json(const struct analysis_view *view)
{
	json_t *list = json_array();
	size_t count;
	const struct attack *attacks =
	    attacks_list(judgements_attacks(pipeline_judgements(view->pipeline)), &count);
	uint64_t addresses = destinations_size(pipeline_destinations(view->pipeline));

	for (size_t i = 0; i < shown(view, count); i++)
		json_array_append_new(list, attack_json(&attacks[i], addresses));
	return list;
}

static json_t *clusters_json(const struct analysis_view *view)
{
	json_t *list = json_array();
	size_t count;
	const struct clustering_row *rows = clustering_rows(pipeline_clustering(view->pipeline),
	    &count);

	for (size_t i = 0; i < shown(view, count); i++) {
		const struct clustering_row *row = &rows[i];
		char name[CLUSTERS_NAME_MAX];
		char options[CLUSTERS_OPTIONS_MAX];
		json_t *fields = json_array();

		for (unsigned f = 0; f < CLUSTERS_FIELD_COUNT; f++)
			if (row->fields & 1u << f)
				json_array_append_new(fields, json_string(clusters_field_name(f)));
		json_array_append_new(list, json_pack("{s:s,s:o,s:i,s:i,s:s,s:o,s:o}", "cluster",
		    clusters_name(row->id, name), "fields", fields, "initial_ttl", row->initial_ttl,
		    "window", row->window, "options", clusters_options_text(row->options, options),
		    "packets", number(row->syns), "sources", number(row->sources)));
	}
	return list;
}

/* What is not known of a port or a country when nobody examined it. */
static json_t *unless_quick(const struct analysis_view *view, json_t *value)
{
	if (!view->quick)
		return value;
	json_decref(value);
	return json_null();
}

static int add_asns(json_t *doc, const struct analysis_view *view)
{
	json_t *list = json_array();
	struct summary_asn *asns;
	size_t count;
	int rc = summary_asns(pipeline_summary(view->pipeline), &asns, &count);

	for (size_t i = 0; !rc && i < shown(view, count); i++)
		json_array_append_new(list, json_pack("{s:o,s:o,s:o,s:o}", "asn", number(asns[i].asn),
		    "name", text_json(geo_asn_name(view->geo, asns[i].asn)), "packets",
		    number(asns[i].packets), "sources", number(asns[i].sources)));
	json_object_set_new(doc, "asns", list);
	if (!rc)
		free(asns);
	return rc;
}

static int add_lists(json_t *doc, const struct analysis_view *view)
{
	const struct summary *s = pipeline_summary(view->pipeline);
	struct summary_port *ports = NULL;
	struct summary_country *countries = NULL;
	struct summary_tool *tools = NULL;
	json_t *list;
	size_t count;
	char text[16];
	int rc;

	rc = summary_tools(s, &tools, &count);
	if (rc)
		goto out;
	list = json_array();
	for (size_t i = 0; i < shown(view, count); i++)
		json_array_append_new(list, json_pack("{s:s,s:o,s:o}", "tool", tools[i].tool,
		    "packets", number(tools[i].packets), "sources", number(tools[i].sources)));
	json_object_set_new(doc, "tools", list);
	json_object_set_new(doc, "clusters", clusters_json(view));
	json_object_set_new(doc, "roles", roles_json(view));
	rc = summary_ports(s, &ports, &count);
	if (rc)
		goto out;
	list = json_array();
	for (size_t i = 0; i < shown(view, count); i++)
		json_array_append_new(list, json_pack("{s:s,s:o,s:o,s:o}", "port",
		    port_text(text, ports[i].proto, ports[i].port), "packets",
		    number(ports[i].packets), "sources",
		    unless_quick(view, number(ports[i].sources)), "mirai", number(ports[i].mirai)));
	json_object_set_new(doc, "ports", list);
	rc = summary_countries(s, &countries, &count);
	if (rc)
		goto out;
	list = json_array();
	for (size_t i = 0; i < shown(view, count); i++)
		json_array_append_new(list, json_pack("{s:o,s:o,s:o,s:o}", "country",
		    json_stringn(countries[i].country, 2), "packets", number(countries[i].packets),
		    "sources", number(countries[i].sources), "port",
		    unless_quick(view, json_string(port_text(text, countries[i].proto,
		    countries[i].port)))));
	json_object_set_new(doc, "countries", list);
	rc = add_asns(doc, view);
out:
	free(tools);
	free(ports);
	free(countries);
	return rc;
}

static json_t *alerts_json(const struct analysis_view *view)
{
	json_t *list = json_array();
	size_t count = 0;
	const struct inspection_row *rows = view->alerts ? inspection_rows(view->alerts, &count) : NULL;

	for (size_t i = 0; i < shown(view, count); i++)
		json_array_append_new(list, json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "gid",
		    number(rows[i].gid), "sid", number(rows[i].sid), "rev", number(rows[i].rev), "msg",
		    text_json(rows[i].msg), "class", text_json(rows[i].classtype), "severity",
		    number(rows[i].severity), "count", number(rows[i].count), "matches",
		    number(rows[i].matches)));
	return list;
}

static json_t *rates_json(const struct analysis_view *view, const struct tally_counters *c)
{
	uint64_t addresses = destinations_size(pipeline_destinations(view->pipeline));
	double days = pipeline_days(view->pipeline);
	double access = (double)c->classes[RECORD_CLASS_REQUEST];
	json_t *rate = addresses && days > 0 ? json_real(access / ((double)addresses * days))
	                                     : json_null();

	return json_pack("{s:o,s:f,s:o}", "addresses", number(addresses), "days", days,
	    "packets_per_day_per_address", rate);
}

/* An empty list may also mean that nobody looked. */
static json_t *not_examined_json(const struct analysis_view *view)
{
	static const char *const quick[] = {"clusters", "roles", "ports.sources", "countries.port",
		"protocols", "events", "logins", "streams", "attacks"};
	json_t *list = json_array();

	for (size_t i = 0; view->quick && i < sizeof(quick) / sizeof(quick[0]); i++)
		json_array_append_new(list, json_string(quick[i]));
	if (!view->alerts)
		json_array_append_new(list, json_string("alerts"));
	return list;
}

static json_t *document_json(const struct analysis_view *view)
{
	const struct tally_counters *c = pipeline_counters(view->pipeline);
	struct summary_totals totals = summary_totals(pipeline_summary(view->pipeline));
	json_t *doc = json_object();
	json_t *o;

	json_object_set_new(doc, "schema", json_string("teiten.analysis/1"));
	json_object_set_new(doc, "files", files_json(view->pipeline));
	json_object_set_new(doc, "packets", packets_json(c));
	json_object_set_new(doc, "ip", json_pack("{s:o,s:o}", "4", number(c->ip4), "6", number(c->ip6)));
	json_object_set_new(doc, "transport", json_pack("{s:o,s:o,s:o,s:o,s:o}", "tcp", number(c->tcp),
	    "udp", number(c->udp), "icmp", number(c->icmp), "icmpv6", number(c->icmpv6), "other",
	    number(c->other_transport)));
	json_object_set_new(doc, "tcp", json_pack("{s:o,s:o,s:o}", "syn", number(c->tcp_syn), "syn_ack",
	    number(c->tcp_syn_ack), "rst", number(c->tcp_rst)));
	o = json_object();
	for (unsigned i = 0; i < RECORD_CLASS_COUNT; i++)
		json_object_set_new(o, record_class_name((enum record_class)i), number(c->classes[i]));
	json_object_set_new(doc, "classes", o);
	json_object_set_new(doc, "sources", number(totals.sources));
	json_object_set_new(doc, "destinations",
	    number(destinations_count(pipeline_destinations(view->pipeline))));
	o = json_object();
	for (unsigned i = 0; i < RECORD_MARK_COUNT; i++)
		json_object_set_new(o, record_mark_name(i), number(c->marks[i]));
	json_object_set_new(doc, "marks", o);
	if (add_lists(doc, view) || analysis_visits_json(doc, view)) {
		json_decref(doc);
		return NULL;
	}
	json_object_set_new(doc, "alerts", alerts_json(view));
	json_object_set_new(doc, "attacks", attacks_json(view));
	json_object_set_new(doc, "rates", rates_json(view, c));
	json_object_set_new(doc, "sources_saturated", json_boolean(totals.saturated));
	json_object_set_new(doc, "not_examined", not_examined_json(view));
	return doc;
}

int analysis_json(struct buf *b, const struct analysis_view *view, struct err *err)
{
	json_t *doc = document_json(view);
	char *text;

	if (!doc)
		return err_set(err, -ENOMEM, "out of memory");
	text = json_dumps(doc, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12));
	json_decref(doc);
	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	buf_puts(b, text);
	buf_putc(b, '\n');
	free(text);
	return ST_OK;
}
