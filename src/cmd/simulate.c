/*
 * teiten simulate: deterministic captures for demonstrations, tests and benchmarks.
 *
 * Writes files (or standard output) and nothing else.  What was planted is written beside the
 * captures, so that a report can be compared with the truth.
 */
#include "cmd/command.h"

#include "base/civil.h"
#include "base/ip.h"
#include "base/zone.h"
#include "os/file.h"
#include "os/terminal.h"
#include "simulate/simulate.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SENSORS_DEFAULT 4
#define DAYS_DEFAULT 14
#define JSON_FLAGS (JSON_INDENT(2) | JSON_PRESERVE_ORDER)

enum simulate_option {
	OPTION_PACKETS,
	OPTION_SEED,
	OPTION_OUTPUT,
	OPTION_PPS,
	OPTION_DAYS,
	OPTION_SENSORS,
	OPTION_SCALE,
	OPTION_START,
};

static const char *const simulate_options[] = {
	"--packets=", "--seed=", "-o=", "--pps=", "--days=", "--sensors=", "--scale=", "--start=",
	NULL,
};

struct simulate_request {
	struct command_common common;
	uint64_t packets;
	uint64_t seed;
	uint64_t pps;
	uint64_t days;
	uint64_t sensors;
	uint64_t scale_permille;
	const char *output;
	const char *start;
	json_t *document; /* owned; the manifest that is being written */
};

static int run(int argc, char **argv);

const struct command command_simulate = {
	.name = "simulate",
	.summary = "Deterministic captures with planted events, for demos, tests and benchmarks",
	.usage =
	    "usage: teiten simulate site -o DIR [--days N] [--sensors N] [--scale X]\n"
	    "                            [--start DATE] [--seed S] [--json]\n"
	    "       teiten simulate telescope [-o FILE|-] [--packets N] [--pps N] [--seed S]\n"
	    "\n"
	    "site writes what a few sensors capture in some days: DIR/SENSOR.pcap,\n"
	    "DIR/events.json (what was planted: kind, sensor, start, end, ports, packets, source\n"
	    "or victim) and DIR/README.txt.  telescope writes what 198.18.0.0/16 would capture:\n"
	    "85 % SYN, 10 % UDP, 5 % backscatter, a million sources.  The same seed gives the same\n"
	    "bytes everywhere.  No packet is sent, and nothing in these files was observed.\n"
	    "\n"
	    "  -o DIR, -o FILE  where to; telescope without it writes to a pipe (- is the same)\n"
	    "  --days N         site days, 1 to 400 (default 14)\n"
	    "  --sensors N      1 to 16 (default 4: two in Japan, one each in the USA and Germany)\n"
	    "  --scale X        1 is 6 600 packets per day per address, as in 2024 (default 0.2)\n"
	    "  --start DATE     first site day, a Monday looks best (default 2026-11-02)\n"
	    "  --packets N      default 20000000\n"
	    "  --pps N          packets per second of capture time (default 7500)\n"
	    "  --seed S         default 1\n"
	    "\n"
	    "Examples:\n"
	    "  teiten simulate site -o demo/captures\n"
	    "  teiten simulate telescope --packets 2000000 -o telescope.pcap\n"
	    "  teiten simulate telescope | teiten analyze -r - --sensor-net 198.18.0.0/16\n",
	.run = run,
};

/* Decimal digits only; false after it has printed what is wrong. */
static bool parse_number(const char *option, const char *text, uint64_t min, uint64_t max,
    uint64_t *ret_value)
{
	uint64_t value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9' && value <= max / 10; p++)
		value = value * 10 + (uint64_t)(*p - '0');
	if (p == text || *p || value < min || value > max) {
		command_error(&command_simulate, "%s %s: a number from %llu to %llu is needed",
		    option, text, (unsigned long long)min, (unsigned long long)max);
		return false;
	}
	*ret_value = value;
	return true;
}

/* "0.2" or "1" in thousandths. */
static bool parse_scale(const char *text, uint64_t *ret_permille)
{
	uint64_t permille = 0;
	const char *p = text;
	unsigned weight = SIMULATE_SCALE_FULL;

	for (; *p >= '0' && *p <= '9' && permille <= SIMULATE_SCALE_MAX; p++)
		permille = permille * 10 + (uint64_t)(*p - '0') * SIMULATE_SCALE_FULL;
	if (p != text && *p == '.')
		for (p++; *p >= '0' && *p <= '9' && weight > 1; p++)
			permille += (uint64_t)(*p - '0') * (weight /= 10);
	if (p == text || *p || permille == 0 || permille > SIMULATE_SCALE_MAX) {
		command_error(&command_simulate,
		    "--scale %s: a number from 0.001 to 10 with at most three decimals is needed",
		    text);
		return false;
	}
	*ret_permille = permille;
	return true;
}

static bool take_option(struct simulate_request *r, int option, const char *value)
{
	switch ((enum simulate_option)option) {
	case OPTION_PACKETS:
		return parse_number("--packets", value, 0, 1000000000000ull, &r->packets);
	case OPTION_SEED:
		return parse_number("--seed", value, 0, UINT64_MAX / 10, &r->seed);
	case OPTION_PPS:
		return parse_number("--pps", value, 1, 1000000, &r->pps);
	case OPTION_DAYS:
		return parse_number("--days", value, 1, SIMULATE_DAYS_MAX, &r->days);
	case OPTION_SENSORS:
		return parse_number("--sensors", value, 1, SIMULATE_SENSORS_MAX, &r->sensors);
	case OPTION_SCALE:
		return parse_scale(value, &r->scale_permille);
	case OPTION_OUTPUT:
		r->output = value;
		return true;
	case OPTION_START:
		r->start = value;
		return true;
	}
	return false;
}

/* ---- where the bytes go --------------------------------------------------------------------- */

static int write_replace(void *arg, const void *data, size_t len)
{
	os_replace_write(arg, data, len);
	return ST_OK;
}

static int write_stdout(void *arg, const void *data, size_t len)
{
	(void)arg;
	return fwrite(data, 1, len, stdout) == len ? ST_OK : -EIO;
}

static int fail(const struct err *err, int rc)
{
	command_error(&command_simulate, "%s", err->text[0] ? err->text : st_text(rc));
	return COMMAND_FAILED;
}

static json_t *time_json(int64_t time_us)
{
	char text[CIVIL_TIME_TEXT_MAX];

	return json_string(civil_format_time(time_us, text));
}

static json_t *totals_json(const struct simulate_totals *t)
{
	json_t *o = json_pack("{s:I s:I s:I s:I s:I s:I s:I s:{s:I s:I s:I}}", "packets",
	    (json_int_t)t->packets, "bytes", (json_int_t)t->bytes, "syn", (json_int_t)t->syn, "udp",
	    (json_int_t)t->udp, "icmp", (json_int_t)t->icmp, "outbound", (json_int_t)t->outbound,
	    "damaged", (json_int_t)t->damaged, "marks", "mirai", (json_int_t)t->mirai, "zmap",
	    (json_int_t)t->zmap, "masscan", (json_int_t)t->masscan);

	if (o && t->packets) {
		(void)json_object_set_new(o, "first", time_json(t->first_us));
		(void)json_object_set_new(o, "last", time_json(t->last_us));
	}
	return o;
}

/* ---- telescope ------------------------------------------------------------------------------ */

static int telescope(const struct simulate_request *r)
{
	struct simulate_telescope options = {
		.seed = r->seed,
		.start_us = SIMULATE_TELESCOPE_START_US,
		.packets = r->packets,
		.packets_per_second = (uint32_t)r->pps,
	};
	struct simulate_totals totals = {0};
	struct os_replace *replace = NULL;
	struct err err = {0};
	bool to_stdout = !r->output || strcmp(r->output, "-") == 0;
	int rc;

	if (to_stdout && os_terminal_is(STDOUT_FILENO)) {
		command_error(&command_simulate,
		    "a capture is not for a terminal: -o FILE, or a pipe");
		return COMMAND_USAGE;
	}
	rc = to_stdout ? ST_OK : os_replace_begin(r->output, &replace, &err);
	if (rc)
		return fail(&err, rc);
	rc = simulate_telescope(&options, to_stdout ? write_stdout : write_replace, replace,
	    &totals);
	if (rc)
		os_replace_abandon(replace);
	else if (to_stdout)
		rc = fflush(stdout) ? -errno : ST_OK;
	else
		rc = os_replace_commit(replace, &err);
	if (rc)
		return fail(&err, rc);
	if (!to_stdout && r->common.format == COMMAND_JSON) {
		json_t *o = totals_json(&totals);

		(void)json_dumpf(o, stdout, JSON_FLAGS);
		(void)putchar('\n');
		json_decref(o);
	} else if (!r->common.quiet) {
		(void)fprintf(stderr, "Simulated: %llu packets, %llu bytes.  Observed addresses: "
		    "--sensor-net 198.18.0.0/16\n", (unsigned long long)totals.packets,
		    (unsigned long long)totals.bytes);
	}
	return COMMAND_OK;
}

/* ---- site ----------------------------------------------------------------------------------- */

static json_t *split_ports(const char *ports)
{
	json_t *list = json_array();

	while (*ports) {
		size_t len = strcspn(ports, " ");

		(void)json_array_append_new(list, json_stringn(ports, len));
		ports += len + (ports[len] == ' ');
	}
	return list;
}

static json_t *event_json(const struct simulate_event *event, const char *sensor)
{
	char text[IP_TEXT_MAX];
	json_t *o = json_pack("{s:s s:s s:o s:o s:o s:I}", "kind", event->kind, "sensor", sensor,
	    "ports", split_ports(event->ports), "start", time_json(event->start_us), "end",
	    time_json(event->end_us), "packets", (json_int_t)event->packets);

	if (!o)
		return NULL;
	if (event->source)
		(void)json_object_set_new(o, "source",
		    json_string(ip_format(ip_from_v4(event->source), text)));
	if (event->victim)
		(void)json_object_set_new(o, "victim",
		    json_string(ip_format(ip_from_v4(event->victim), text)));
	(void)json_object_set_new(o, "note", json_string(event->note));
	return o;
}

static json_t *sensor_json(const struct simulate_sensor *sensor,
    const struct simulate_totals *totals)
{
	json_t *o = json_pack("{s:s s:s+ s:[s] s:s s:i s:b}", "name", sensor->name, "file",
	    sensor->name, ".pcap", "networks", sensor->net, "country", sensor->country, "addresses",
	    (int)sensor->addresses, "answers", sensor->answers);
	json_t *counts = totals_json(totals);

	if (o && sensor->net6[0])
		(void)json_array_append_new(json_object_get(o, "networks"),
		    json_string(sensor->net6));
	if (o && counts)
		(void)json_object_update(o, counts);
	json_decref(counts);
	return o;
}

static void say_sensor(const struct simulate_request *r, const struct simulate_sensor *sensor,
    const struct simulate_totals *totals)
{
	if (r->common.quiet || r->common.format == COMMAND_JSON)
		return;
	(void)printf("%-10s  %9llu packets, %5.1f MB, %2u address%s\n"
	             "  teiten analyze -r %s/%s.pcap --sensor %s --sensor-net %s%s%s -s STORE\n",
	    sensor->name, (unsigned long long)totals->packets, (double)totals->bytes / 1e6,
	    sensor->addresses, sensor->addresses == 1 ? "" : "es", r->output, sensor->name,
	    sensor->name, sensor->net, sensor->net6[0] ? " --sensor-net " : "", sensor->net6);
	(void)fflush(stdout);
}

static int site_sensor(struct simulate_request *r, struct simulate_site *options, struct err *err)
{
	struct simulate_event events[SIMULATE_EVENTS_MAX];
	struct simulate_totals totals = {0};
	struct simulate_sensor sensor;
	struct os_replace *replace = NULL;
	char path[OS_PATH_MAX];
	size_t count = 0;
	int rc = simulate_site_sensor(options->sensor_count, options->sensor, &sensor);

	if (rc)
		return rc;
	(void)snprintf(path, sizeof path, "%s/%s.pcap", r->output, sensor.name);
	rc = os_replace_begin(path, &replace, err);
	if (rc)
		return rc;
	rc = simulate_site(options, write_replace, replace, &totals, events, &count);
	if (rc) {
		os_replace_abandon(replace);
		return rc;
	}
	rc = os_replace_commit(replace, err);
	if (rc)
		return rc;
	(void)json_array_append_new(json_object_get(r->document, "sensors"),
	    sensor_json(&sensor, &totals));
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(json_object_get(r->document, "events"),
		    event_json(&events[i], sensor.name));
	say_sensor(r, &sensor, &totals);
	return ST_OK;
}

static int site_documents(const struct simulate_request *r, struct err *err)
{
	static const char readme[] =
	    "SIMULATED — nothing in this folder was observed.\n"
	    "\n"
	    "`teiten simulate site` made these captures.  Sources are random numbers; observed\n"
	    "addresses are the networks reserved for documentation (RFC 5737, RFC 3849).\n"
	    "events.json lists what was planted in which capture, and exact counts.\n"
	    "\n"
	    "これは模擬データです。実際に観測されたものは含まれていません。\n"
	    "送信元アドレスは乱数で、実在の利用者や機器とは関係がありません。\n"
	    "観測アドレスには文書用に予約されたネットワークを使っています。\n"
	    "何を仕込んだかは events.json にあります。\n";
	char path[OS_PATH_MAX];
	char *text = json_dumps(r->document, JSON_FLAGS);
	struct buf b = {0};
	int rc;

	if (!text)
		return -ENOMEM;
	buf_puts(&b, text);
	buf_putc(&b, '\n');
	(void)snprintf(path, sizeof path, "%s/events.json", r->output);
	rc = b.failed ? -ENOMEM : os_file_write(path, buf_text(&b), b.len, err);
	(void)snprintf(path, sizeof path, "%s/README.txt", r->output);
	if (!rc)
		rc = os_file_write(path, readme, sizeof readme - 1, err);
	if (!rc && r->common.format == COMMAND_JSON)
		(void)fputs(buf_text(&b), stdout);
	buf_fini(&b);
	free(text);
	return rc;
}

/* First moment of the first site day, in the site's zone. */
static int site_start(const struct simulate_request *r, int64_t *ret_start_us, struct err *err)
{
	const char *name = r->common.timezone ? r->common.timezone
	                                      : command_configuration()->site.timezone;
	const char *date = r->start ? r->start : "2026-11-02";
	struct zone *zone = NULL;
	int32_t day;
	int rc;

	if (civil_parse_date(date, strlen(date), &day) || day < 1)
		return err_set(err, ST_USAGE, "--start %s: a date is needed, YYYY-MM-DD", date);
	rc = zone_new(name, &zone, err);
	if (rc)
		return rc;
	*ret_start_us = zone_day_start(zone, day);
	zone_free(zone);
	return ST_OK;
}

static int site(struct simulate_request *r)
{
	struct simulate_site options = {
		.seed = r->seed,
		.days = (unsigned)r->days,
		.sensor_count = (unsigned)r->sensors,
		.scale_permille = (unsigned)r->scale_permille,
	};
	struct err err = {0};
	int rc;

	if (!r->output) {
		command_error(&command_simulate, "site: -o DIR is needed");
		return COMMAND_USAGE;
	}
	if (strlen(r->output) > OS_PATH_MAX - 64) {
		command_error(&command_simulate, "-o: the path is too long");
		return COMMAND_USAGE;
	}
	if (site_start(r, &options.start_us, &err)) {
		command_error(&command_simulate, "%s", err.text);
		return COMMAND_USAGE;
	}
	rc = os_folder_make(r->output, &err);
	r->document = json_pack("{s:s s:b s:I s:o s:i s:f s:[] s:[]}", "schema",
	    "teiten.simulation/1", "simulated", 1, "seed", (json_int_t)r->seed, "start",
	    time_json(options.start_us), "days", (int)r->days, "scale",
	    (double)r->scale_permille / SIMULATE_SCALE_FULL, "sensors", "events");
	if (!rc && !r->document)
		rc = -ENOMEM;
	for (; !rc && options.sensor < options.sensor_count; options.sensor++)
		rc = site_sensor(r, &options, &err);
	if (!rc)
		rc = site_documents(r, &err);
	json_decref(r->document);
	r->document = NULL;
	return rc ? fail(&err, rc) : COMMAND_OK;
}

static int run(int argc, char **argv)
{
	static const char *const verbs[] = {"site", "telescope", NULL};
	const struct command *self = &command_simulate;
	struct simulate_request r = {
		.packets = SIMULATE_TELESCOPE_PACKETS,
		.seed = 1,
		.pps = SIMULATE_TELESCOPE_PPS,
		.days = DAYS_DEFAULT,
		.sensors = SENSORS_DEFAULT,
		.scale_permille = SIMULATE_SCALE_DEMO,
	};
	const char *value;
	int index = 0;
	int option;

	while ((option = command_option(self, &r.common, argc, argv, &index, simulate_options,
	            &value)) >= 0)
		if (!take_option(&r, option, value))
			return COMMAND_USAGE;
	if (option != COMMAND_OPTION_END)
		return COMMAND_USAGE;
	if (index >= argc) {
		command_error(self, "site or telescope? (teiten simulate -h)");
		return COMMAND_USAGE;
	}
	if (argc - index > 1) {
		command_error(self, "'%s' is too many", argv[index + 1]);
		return COMMAND_USAGE;
	}
	if (r.common.format == COMMAND_CSV || r.common.format == COMMAND_TSV) {
		command_error(self, "prints text or --json");
		return COMMAND_USAGE;
	}
	if (strcmp(argv[index], "site") == 0)
		return site(&r);
	if (strcmp(argv[index], "telescope") == 0)
		return telescope(&r);
	command_error(self, "no '%s' here%s", argv[index], command_suggestion(argv[index], verbs));
	return COMMAND_USAGE;
}
