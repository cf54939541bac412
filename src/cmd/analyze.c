/* teiten analyze: capture files in, a summary, a document, a store or a report out. */
#include "cmd/analysis.h"
#include "cmd/command.h"
#include "cmd/judging.h"
#include "cmd/methods.h"
#include "cmd/pipeline.h"

#include "base/civil.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/sandbox.h"
#include "os/terminal.h"
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES_MAX 65536
#define PROGRESS_INTERVAL_US 200000
#define RULES_FILE_MAX (1u << 20)
#define LOCAL_SENSOR "local"

static const char usage[] =
    "usage: teiten analyze -r FILE… [OPTION…] [BPF…]\n"
    "\n"
    "Counts what is in capture files (pcap, pcapng, also gz, zst, xz, lz4; - is standard input):\n"
    "who sent how much to which ports, with which tools, from where.  Without -s and -o nothing\n"
    "is kept.  A damaged file counts up to its damage.\n"
    "\n"
    "  -r, --read FILE       capture file; may be repeated, more files may follow\n"
    "  --sensor NAME         pseudonym of the sensor (default: sensor.name, else \"local\")\n"
    "  --sensor-net CIDR     observed addresses; may be repeated.  Without it every\n"
    "                        destination counts as observed\n"
    "  --exclude CIDR        addresses inside that are not observed; may be repeated\n"
    "  -s, --store DIR       store the records there too\n"
    "  --again               store a file that is in the store already once more\n"
    "  --no-compact          leave the finished dates as they are (a later run compacts them)\n"
    "  -o, --output DIR      write the report of this capture there, in both languages\n"
    "  --rules FILE          signatures in Suricata's language; may be repeated\n"
    "                        (default: signatures.rules)\n"
    "  --rule-var NAME=VALUE a variable of these rules, such as HTTP_PORTS=[80,8080]\n"
    "  --tool-rules FILE     rules that tell scanners (default: built in)\n"
    "  --quick               a first look in less time: packets, sources, ports, countries, AS and\n"
    "                        tools; not conversations, attacks, roles, signatures, nor how many\n"
    "                        sources asked a port.  Without -s, -o and --rules\n"
    "  --all                 complete lists instead of the first 10\n"
    "  --json                one JSON document on standard output\n"
    "\n"
    "Examples:\n"
    "  teiten analyze -r week.pcap.zst --sensor-net 192.0.2.0/28\n"
    "  teiten analyze -r *.pcap --sensor-net 192.0.2.0/28 -o report/\n"
    "  teiten analyze -r eth1.pcapng --json tcp port 23 | jq .ports\n"
    "  tcpdump -i eth1 -w - | teiten analyze -r - --sensor jp-01 -s /var/lib/teiten\n";

struct request {
	struct command_common common;
	const char **files;
	size_t file_count;
	struct ip_net nets[DESTINATIONS_NETS_MAX];
	size_t net_count;
	struct ip_net excluded[DESTINATIONS_NETS_MAX];
	size_t excluded_count;
	const char *sensor;
	const char *store;
	const char *output;
	const char *tool_rules;
	const char **rules; /* the options' values: at most as many as there are words */
	size_t rule_count;
	const char **rule_vars;
	size_t rule_var_count;
	bool again;
	bool compact;
	bool all;
	bool quick;
	struct buf filter;
};

extern const struct command command_analyze;

/* ---- options -------------------------------------------------------------------------------- */

static int add_net(struct ip_net *nets, size_t *count, const char *option, const char *text)
{
	if (*count == DESTINATIONS_NETS_MAX) {
		command_error(&command_analyze, "%s: more than %d networks", option,
		    DESTINATIONS_NETS_MAX);
		return COMMAND_USAGE;
	}
	if (ip_net_parse(text, strlen(text), &nets[*count])) {
		command_error(&command_analyze, "%s %s: not a network such as 192.0.2.0/28 (bits "
		    "beyond the prefix must be zero)", option, text);
		return COMMAND_USAGE;
	}
	(*count)++;
	return COMMAND_OK;
}

static void take_configuration(struct request *r)
{
	const struct config *config = command_configuration();

	for (size_t i = 0; r->net_count == 0 && i < config->sensor.addresses.count
	     && i < DESTINATIONS_NETS_MAX; i++)
		r->nets[i] = config->sensor.addresses.items[i];
	if (r->net_count == 0)
		r->net_count = config->sensor.addresses.count < DESTINATIONS_NETS_MAX
		    ? config->sensor.addresses.count : DESTINATIONS_NETS_MAX;
	for (size_t i = 0; i < config->sensor.exclude.count
	     && r->excluded_count < DESTINATIONS_NETS_MAX; i++)
		r->excluded[r->excluded_count++] = config->sensor.exclude.items[i];
	if (!r->sensor)
		r->sensor = config->sensor.name[0] ? config->sensor.name : LOCAL_SENSOR;
}

/* An operand that names an existing file after -r is a file, the rest is the filter. */
static bool is_file(const char *word)
{
	struct os_stat stat;

	if (strchr(word, ' '))
		return false;
	return os_path_stat(word, &stat, NULL) == ST_OK && stat.kind != OS_KIND_NONE;
}

static int parse(struct request *r, int argc, char **argv)
{
	static const char *const names[] = {"-r=", "--read=", "--sensor=", "--sensor-net=",
		"--exclude=", "-s=", "--store=", "--again", "--no-compact", "-o=", "--output=",
		"--tool-rules=", "--rules=", "--rule-var=", "--all", "--quick",
		NULL};
	const char *value;
	int index = 0;
	int rc = COMMAND_OK;
	int option;

	r->compact = true;
	r->files = calloc((size_t)argc + 1, sizeof(*r->files));
	r->rules = calloc((size_t)argc + 1, sizeof(*r->rules));
	r->rule_vars = calloc((size_t)argc + 1, sizeof(*r->rule_vars));
	if (!r->files || !r->rules || !r->rule_vars)
		return COMMAND_FAILED;
	while ((option = command_option(&command_analyze, &r->common, argc, argv, &index, names,
	    &value)) >= 0) {
		switch (option) {
		case 0:
		case 1:
			r->files[r->file_count++] = value;
			break;
		case 2:
			r->sensor = value;
			break;
		case 3:
			rc = add_net(r->nets, &r->net_count, "--sensor-net", value);
			break;
		case 4:
			rc = add_net(r->excluded, &r->excluded_count, "--exclude", value);
			break;
		case 5:
		case 6:
			r->store = value;
			break;
		case 7:
			r->again = true;
			break;
		case 8:
			r->compact = false;
			break;
		case 9:
		case 10:
			r->output = value;
			break;
		case 11:
			r->tool_rules = value;
			break;
		case 12:
			r->rules[r->rule_count++] = value;
			break;
		case 13:
			r->rule_vars[r->rule_var_count++] = value;
			break;
		case 14:
			r->all = true;
			break;
		default:
			r->quick = true;
			break;
		}
		if (rc)
			return rc;
	}
	if (option == COMMAND_OPTION_BAD)
		return COMMAND_USAGE;
	for (; index < argc; index++) {
		if (r->filter.len == 0 && is_file(argv[index])) {
			r->files[r->file_count++] = argv[index];
			continue;
		}
		if (r->filter.len)
			buf_putc(&r->filter, ' ');
		buf_puts(&r->filter, argv[index]);
	}
	if (r->file_count == 0) {
		command_error(&command_analyze, "no capture file: give one with -r FILE");
		return COMMAND_USAGE;
	}
	if (r->quick && (r->store || r->output || r->rule_count)) {
		command_error(&command_analyze, "--quick keeps and inspects nothing: leave it out, or %s",
		    r->store ? "-s" : r->output ? "-o" : "--rules");
		return COMMAND_USAGE;
	}
	if (r->common.format == COMMAND_CSV || r->common.format == COMMAND_TSV) {
		command_error(&command_analyze, "there is no CSV of a whole analysis: use --json, or "
		    "-o DIR for tables");
		return COMMAND_USAGE;
	}
	take_configuration(r);
	return COMMAND_OK;
}

/* ---- progress and messages ------------------------------------------------------------------ */

struct screen {
	bool progress;
	bool quiet;
	bool drawn;
	int64_t last_us;
	int64_t start_us;
};

static void clear_progress(struct screen *screen)
{
	if (screen->drawn)
		(void)fputs("\r\033[K", stderr);
	screen->drawn = false;
}

static void draw_progress(void *arg, uint64_t done, uint64_t total)
{
	struct screen *screen = arg;
	int64_t now = os_clock_monotonic_us();
	double seconds = (double)(now - screen->start_us) / 1e6;

	if (!screen->progress || now - screen->last_us < PROGRESS_INTERVAL_US)
		return;
	screen->last_us = now;
	screen->drawn = true;
	if (total > 0 && done <= total) {
		double share = (double)done / (double)total;
		int filled = (int)(share * 30);

		(void)fprintf(stderr, "\r[%.*s%.*s] %3.0f%%  %.0f MB/s  %.0f s left\033[K", filled,
		    "##############################", 30 - filled, "..............................",
		    share * 100, (double)done / 1e6 / (seconds > 0 ? seconds : 1),
		    share > 0 ? seconds / share - seconds : 0.0);
	} else {
		(void)fprintf(stderr, "\r%.0f MB\033[K", (double)done / 1e6);
	}
	(void)fflush(stderr);
}

static void say(void *arg, const char *sentence)
{
	struct screen *screen = arg;

	clear_progress(screen);
	command_error(&command_analyze, "%s", sentence);
}

/* ---- the run -------------------------------------------------------------------------------- */

struct run {
	struct request *request;
	struct store *store;
	struct zone *zone;
	bool zone_is_ours;
	struct geo *geo;
	char *tool_rules;
	struct inspection *alerts; /* NULL: no --rules */
	struct classmap *classes; /* of the report */
	char temporary[OS_PATH_MAX]; /* folder of a store that is not kept */
	struct screen screen;
	bool any_destination;      /* no observed addresses were given */
};

static int open_store(struct run *run, struct err *err)
{
	const struct config *config = command_configuration();
	struct store_options options = {.mode = STORE_WRITE};
	int rc;

	options.timezone = run->request->common.timezone ? run->request->common.timezone
	                                                 : config->site.timezone;
	if (run->request->store) {
		options.path = run->request->store;
	} else if (run->request->output) {
		/* Inside the output folder: the sandbox lets it be removed again from there. */
		rc = os_folder_make(run->request->output, err);
		if (!rc)
			rc = os_folder_temporary(run->request->output, run->temporary, err);
		if (rc)
			return rc;
		options.path = run->temporary;
	} else {
		run->zone_is_ours = true;
		return zone_new(options.timezone, &run->zone, err);
	}
	rc = judging_options(&options, err);
	if (!rc)
		rc = store_open(&options, &run->store, err);
	if (rc)
		return rc;
	run->zone = store_zone(run->store);
	if (run->request->common.timezone
	    && strcmp(run->request->common.timezone, zone_name(run->zone)) != 0)
		return err_set(err, ST_USAGE, "the days of this store are those of %s: --timezone can "
		    "only be chosen for a new one", zone_name(run->zone));
	return ST_OK;
}

static int put_sensor(struct run *run, uint16_t *ret_id, struct err *err)
{
	const struct config *config = command_configuration();
	uint64_t addresses = destinations_nets_size(run->request->nets, run->request->net_count,
	    run->request->excluded, run->request->excluded_count);
	struct record_sensor sensor = {
		.name = {run->request->sensor, (uint32_t)strlen(run->request->sensor)},
		.addresses = addresses > UINT32_MAX ? UINT32_MAX : (uint32_t)addresses,
	};

	if (memcmp(config->sensor.country, "ZZ", 2) != 0)
		memcpy(sensor.country, config->sensor.country, 2);
	if (!run->store) {
		*ret_id = 0;
		return ST_OK;
	}
	return store_sensor_put(run->store, &sensor, ret_id, err);
}

/* What the sandbox leaves open: the captures, the store, the folder of the report. */
static int shut_doors(const struct run *run, struct err *err)
{
	const struct request *r = run->request;
	const char *writable[2];
	size_t count = 0;

	if (r->output) {
		int rc = os_folder_make(r->output, err);

		if (rc)
			return rc;
		writable[count++] = r->output;
	}
	if (r->store)
		writable[count++] = r->store;
	return os_sandbox_reader(r->files, r->file_count, writable, count, NULL, err);
}

static int open_rules(struct run *run, struct err *err)
{
	const struct request *r = run->request;
	struct inspection_options options = {
		.rules = r->rules,
		.rule_count = r->rule_count,
		.vars = r->rule_vars,
		.var_count = r->rule_var_count,
		.nets = r->nets,
		.net_count = r->net_count,
	};
	struct config_files files = {0};
	struct buf b = {0};
	int rc;

	if (r->rule_count == 0) {
		rc = inspection_files_configured(&files, err);
		if (rc || files.count == 0)
			return rc;
		options.rules = files.names;
		options.rule_count = files.count;
	}
	rc = inspection_new(&options, &run->alerts, err);
	config_files_free(&files);
	if (!rc && !run->screen.quiet) {
		inspection_describe(run->alerts, &b);
		command_error(&command_analyze, "%s", buf_text(&b));
	}
	buf_fini(&b);
	return rc;
}

static int prepare(struct run *run, struct pipeline_options *options, struct err *err)
{
	const struct request *r = run->request;
	const struct config *config = command_configuration();
	const char *geo_path = command_geo_path();
	int rc;

	*options = (struct pipeline_options){
		.names = r->files,
		.name_count = r->file_count,
		.filter = buf_text(&r->filter),
		.nets = r->nets,
		.net_count = r->net_count,
		.excluded = r->excluded,
		.excluded_count = r->excluded_count,
		.again = r->again,
		.quick = r->quick,
		.streams_max = (uint32_t)config->streams.max,
		.hold_max = (uint32_t)config->streams.hold_kb << 10,
		.stream_bytes = (uint64_t)config->streams.memory_mb << 20,
		.room_bytes = (uint64_t)config->streams.protocols_mb << 20,
		.progress = draw_progress,
		.say = say,
		.arg = &run->screen,
	};
	if (geo_path) {
		rc = geo_open(geo_path, &run->geo, err);
		if (rc)
			return rc;
	}
	options->geo = run->geo;
	if (r->tool_rules) {
		rc = os_file_read(r->tool_rules, RULES_FILE_MAX, &run->tool_rules, NULL, err);
		if (rc)
			return rc;
		options->tool_rules = run->tool_rules;
	}
	rc = r->output ? methods_read(&run->classes, err) : ST_OK;
	if (!rc && !r->quick)
		rc = open_rules(run, err);
	options->alerts = run->alerts;
	if (!rc)
		rc = open_store(run, err);
	if (!rc)
		rc = put_sensor(run, &options->sensor, err);
	options->store = run->store;
	options->zone = run->zone;
	return rc;
}

static int write_file(void *arg, const char *name, const char *data, size_t len, struct err *err)
{
	const struct request *r = arg;
	char path[OS_PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", r->output, name) >= sizeof(path))
		return err_set(err, ST_LIMIT, "%s: path too long", r->output);
	return os_file_write(path, data, len, err);
}

/* Compacts the dates that nothing more will come for, as a courtesy to the next reader. */
static int finish_store(struct run *run, struct err *err)
{
	struct store_compact_options options = {
		.dirty_only = true,
		.now_us = os_clock_now_us(),
		.grace_us = 10 * CIVIL_US_PER_MINUTE,
	};
	struct store_compact_stats stats;

	if (!run->store || !run->request->compact || run->temporary[0])
		return ST_OK;
	options.before_day = zone_day(run->zone, options.now_us);
	return store_compact(run->store, &options, &stats, err);
}

static struct report_period days_of_files(const struct run *run, const struct pipeline *pipeline)
{
	size_t count;
	const struct capture_file *files = pipeline_files(pipeline, &count);
	struct report_period days = {REPORT_PERIOD_DAYS, INT32_MAX, INT32_MIN};

	for (size_t i = 0; i < count; i++) {
		int32_t first;
		int32_t last;

		if (!files[i].packets)
			continue;
		first = zone_day(run->zone, files[i].first_us);
		last = zone_day(run->zone, files[i].last_us) + 1;
		days.from = first < days.from ? first : days.from;
		days.to = last > days.to ? last : days.to;
	}
	return days;
}

static int write_report(struct run *run, const struct pipeline *pipeline, struct err *err)
{
	static const enum publish_language languages[] = {PUBLISH_JA, PUBLISH_EN};
	const struct config *config = command_configuration();
	struct publish_style styles[PUBLISH_LANGUAGE_COUNT];
	struct report_options options;
	struct report_document *document = NULL;
	const char **names = calloc(run->request->file_count, sizeof(*names));
	int rc;

	if (!names)
		return err_set(err, -ENOMEM, "out of memory");
	/* A report may be published: the files' names, not where they lie on this machine. */
	for (size_t i = 0; i < run->request->file_count; i++) {
		const char *slash = strrchr(run->request->files[i], '/');

		names[i] = slash ? slash + 1 : run->request->files[i];
	}
	options = (struct report_options){
		.basis = (enum report_basis)config->report.basis,
		.home_country = config->site.home_country,
		.top_n = (unsigned)config->report.top_n,
		.ports_attackers = config->report.ranking_ports == CONFIG_RANKING_ATTACKERS,
		.countries_all = config->report.ranking_countries == CONFIG_RANKING_ALL,
		.icmp_zero = config->report.icmp == CONFIG_ICMP_ONE_ROW,
		.site_ja = config->site.name_ja,
		.site_en = config->site.name_en,
		.geo = geo_description(run->geo),
		.login_min_sources = (unsigned)config->privacy.login_min_sources,
		.login_min_sensors = (unsigned)config->privacy.login_min_sensors,
		.classes = run->classes,
		.made_us = os_clock_now_us(),
		.files = names,
		.file_count = run->request->file_count,
		.any_destination = run->any_destination,
	};
	if (run->request->store) {
		/* The store holds more than these files: a report of their days. */
		options.period = days_of_files(run, pipeline);
		rc = report_build(run->store, &options, &document, err);
	} else {
		rc = report_analysis(run->store, &options, &document, err);
	}
	if (rc)
		goto out;
	for (size_t i = 0; i < PUBLISH_LANGUAGE_COUNT; i++) {
		styles[i] = command_style(&run->request->common);
		styles[i].language = languages[i];
	}
	rc = publish_all(document, styles, PUBLISH_LANGUAGE_COUNT, write_file, run->request, err);
	report_document_free(document);
out:
	free(names);
	return rc;
}

/* No file could be read at all: the errors say it, and a summary of nothing would hide them. */
static bool is_nothing(const struct pipeline *pipeline)
{
	size_t count = 0;
	const struct capture_file *files = pipeline_files(pipeline, &count);

	for (size_t i = 0; i < count; i++)
		if (files[i].error == ST_OK || files[i].packets > 0)
			return false;
	return true;
}

static int print(const struct run *run, const struct pipeline *pipeline, struct err *err)
{
	struct analysis_view view = {
		.pipeline = pipeline,
		.all = run->request->all,
		.quick = run->request->quick,
		.zone = run->zone,
		.geo = run->geo,
		.alerts = run->alerts,
	};
	struct publish_style style = command_style(&run->request->common);
	struct buf b = {0};
	int rc = ST_OK;

	if (run->request->common.format == COMMAND_JSON)
		rc = analysis_json(&b, &view, err);
	else if (!is_nothing(pipeline))
		rc = analysis_text(&b, &view, &style, &run->request->common, err);
	if (!rc && b.failed)
		rc = err_set(err, -ENOMEM, "out of memory");
	if (!rc)
		(void)fwrite(b.data, 1, b.len, stdout); /* main reports a failed stdout */
	buf_fini(&b);
	return rc;
}

/* Damage was met: say where, for each file; true when there was any. */
static bool report_damage(struct run *run, const struct pipeline *pipeline)
{
	size_t count;
	const struct capture_file *files = pipeline_files(pipeline, &count);
	bool any = pipeline_undecoded(pipeline) > 0;

	for (size_t i = 0; i < count; i++) {
		if (files[i].error == ST_OK)
			continue;
		any = true;
		if (files[i].packets == 0)
			command_error(&command_analyze, "%s: %s", files[i].name, files[i].error_text);
		else
			command_error(&command_analyze, "%s: byte %llu: %s (the %llu packets before it "
			    "are counted)", files[i].name, (unsigned long long)files[i].error_offset,
			    files[i].error_text, (unsigned long long)files[i].packets);
	}
	if (!run->screen.quiet && summary_totals(pipeline_summary(pipeline)).saturated)
		command_error(&command_analyze, "more distinct sources than are kept: numbers of "
		    "sources are lower bounds");
	if (!run->screen.quiet && pipeline_destinations(pipeline)->unindexed)
		command_error(&command_analyze, "more distinct destinations than are kept (%u): their "
		    "number is a lower bound", DESTINATIONS_MAX);
	return any;
}

static int run_analysis(struct run *run)
{
	struct pipeline_options options;
	struct pipeline *pipeline = NULL;
	const struct research *research;
	struct err err = {0};
	int status = COMMAND_FAILED;
	int rc;

	rc = judging_research(&research, &err); /* files, read before the doors are shut */
	if (!rc)
		rc = prepare(run, &options, &err);
	if (!rc && run->request->store && options.net_count == 0 && !run->screen.quiet)
		command_error(&command_analyze, "no observed addresses given (--sensor-net, or "
		    "sensor.addresses): every destination counts, and rates divide by all of them");
	run->any_destination = !rc && options.net_count == 0;
	if (!rc)
		rc = shut_doors(run, &err);
	if (!rc)
		rc = pipeline_run(&options, &pipeline, &err);
	clear_progress(&run->screen);
	if (!rc)
		rc = print(run, pipeline, &err);
	if (!rc)
		rc = finish_store(run, &err);
	if (!rc && run->request->output && !is_nothing(pipeline))
		rc = write_report(run, pipeline, &err);
	if (rc) {
		command_error(&command_analyze, "%s", err.text[0] ? err.text : st_text(rc));
		status = rc == ST_USAGE ? COMMAND_USAGE : COMMAND_FAILED;
	}
	if (pipeline) {
		bool damaged = report_damage(run, pipeline);

		if (!rc)
			status = damaged || pipeline_refused(pipeline) ? COMMAND_FAILED : COMMAND_OK;
	}
	pipeline_free(pipeline);
	return status;
}

static int run_command(int argc, char **argv)
{
	struct request request = {0};
	struct run run = {.request = &request};
	struct err err;
	int status = parse(&request, argc, argv);

	if (status == COMMAND_OK) {
		run.screen.quiet = request.common.quiet;
		run.screen.progress = !request.common.quiet && os_terminal_is(STDERR_FILENO);
		run.screen.start_us = os_clock_monotonic_us();
		run.screen.last_us = run.screen.start_us;
		status = run_analysis(&run);
	}
	store_close(run.store);
	if (run.zone_is_ours)
		zone_free(run.zone);
	if (run.temporary[0] && os_tree_remove(run.temporary, &err))
		command_error(&command_analyze, "%s", err.text);
	geo_close(run.geo);
	free(run.tool_rules);
	inspection_free(run.alerts);
	classmap_free(run.classes);
	free(request.files);
	free(request.rules);
	free(request.rule_vars);
	buf_fini(&request.filter);
	return status;
}

const struct command command_analyze = {
	.name = "analyze",
	.summary = "Count what is in capture files",
	.usage = usage,
	.run = run_command,
};
