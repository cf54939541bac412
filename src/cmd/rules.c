/* teiten rules: which signatures load, which do not and why, and what one of them does. */
#include "cmd/command.h"
#include "cmd/hunt.h"
#include "cmd/inspection.h"
#include "cmd/table.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: teiten rules list [FILE…]\n"
    "       teiten rules test [FILE…]\n"
    "       teiten rules test [SID…] --since 90d [-s STORE] [FILE…]\n"
    "       teiten rules explain SID [FILE…]\n"
    "\n"
    "Signatures in Suricata's language, as for teiten analyze --rules.  list prints the rules that\n"
    "are used.  test prints each one that is not, as FILE:LINE: sid SID: KEYWORD: reason.  explain\n"
    "says what a rule looks at, in which order, and when it is raised.  What of the language is\n"
    "supported is in docs/signatures.md.  Without FILE the rules of the configuration are taken\n"
    "(signatures.rules).\n"
    "\n"
    "With a period, or a SID, test looks for signatures in what a store kept: the first bytes (at\n"
    "most 4 KiB) that each session's source sent, also from before there were these rules.  It\n"
    "prints time, source, sensor and port of each session that one of the SIDs matches (without\n"
    "SID: any rule), and what it could not see.\n"
    "\n"
    "  --since 90d     the last days of the store\n" WINDOW_HELP
    "  --sensor-net CIDR     HOME_NET; may be repeated (default: any)\n"
    "  --rule-var NAME=VALUE a variable of the rules; may be repeated\n"
    "  --json, --csv, --tsv  of list and test\n"
    "\n"
    "Exit status: 0 all rules are used, 3 some are not (test), 4 no such SID, or nothing was\n"
    "observed in the period.\n"
    "\n"
    "Examples:\n"
    "  teiten rules test /etc/teiten/rules/*.rules\n"
    "  teiten rules explain 2025883 emerging-exploit.rules\n"
    "  teiten rules test 2025883 --since 90d -s /var/lib/teiten emerging-exploit.rules\n";

#define NETS_MAX 64

enum {
	OPTION_SENSOR_NET = WINDOW_OPTION_COUNT,
	OPTION_RULE_VAR,
	OPTION_SINCE,
};

struct request {
	struct command_common common;
	const char **vars;
	size_t var_count;
	struct ip_net nets[NETS_MAX];
	size_t net_count;
	struct table *problems; /* of test */
	struct window_options window;
	bool hunt;              /* in a store */
	uint32_t *sids;
	size_t sid_count;
};

extern const struct command command_rules;

static const struct table_column problem_columns[] = {
	{"file", "ファイル", "File", TABLE_TEXT, TABLE_ALL},
	{"line", "行", "Line", TABLE_INT, TABLE_ALL},
	{"sid", "シグネチャID", "Signature", TABLE_INT, TABLE_ALL},
	{"keyword", "キーワード", "Keyword", TABLE_TEXT, TABLE_ALL},
	{"reason", "理由", "Reason", TABLE_TEXT, TABLE_ALL},
};

static void take_problem(void *arg, const struct signatures_problem *problem)
{
	struct request *r = arg;

	if (!r->problems)
		return;
	if (r->common.format == COMMAND_HUMAN)
		(void)printf("%s:%u: sid %u: %s%s%s\n", problem->file, problem->line, problem->sid,
		    problem->keyword, problem->keyword[0] ? ": " : "", problem->reason);
	table_row(r->problems);
	table_set_text(r->problems, 0, problem->file);
	table_set_uint(r->problems, 1, problem->line);
	table_set_uint(r->problems, 2, problem->sid);
	table_set_text(r->problems, 3, problem->keyword);
	table_set_text(r->problems, 4, problem->reason);
}

static void print_table(const struct request *r, const struct table *table)
{
	struct buf b = {0};

	table_print(table, &r->common, &b);
	(void)fputs(buf_text(&b), stdout);
	buf_fini(&b);
}

static int list(const struct request *r, const struct inspection *alerts)
{
	static const struct table_column columns[] = {
		{"gid", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
		{"sid", "シグネチャID", "Signature", TABLE_INT, TABLE_ALL},
		{"rev", "版", "Rev", TABLE_INT, TABLE_ALL},
		{"severity", "重大度", "Severity", TABLE_INT, TABLE_ALL},
		{"class", "種別", "Class", TABLE_TEXT, TABLE_ALL},
		{"msg", "シグネチャ", "Message", TABLE_TEXT, TABLE_ALL},
		{"file", NULL, NULL, TABLE_TEXT, TABLE_PROGRAMS},
		{"line", NULL, NULL, TABLE_INT, TABLE_PROGRAMS},
	};
	const struct signatures *s = inspection_engine(alerts);
	struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));

	for (size_t i = 0; i < signatures_rule_count(s); i++) {
		struct signatures_rule rule = signatures_rule_at(s, i);

		table_row(table);
		table_set_uint(table, 0, rule.gid);
		table_set_uint(table, 1, rule.sid);
		table_show(table, 1, "%u", rule.sid);
		table_set_uint(table, 2, rule.rev);
		table_set_uint(table, 3, rule.severity);
		table_set_text(table, 4, rule.classtype);
		table_set_text(table, 5, rule.msg);
		table_set_text(table, 6, rule.file);
		table_set_uint(table, 7, rule.line);
	}
	print_table(r, table);
	table_free(table);
	return COMMAND_OK;
}

static int test(const struct request *r, const struct inspection *alerts)
{
	const struct signatures_stats *stats = signatures_stats(inspection_engine(alerts));

	if (r->common.format != COMMAND_HUMAN)
		print_table(r, r->problems);
	else if (!r->common.quiet)
		(void)printf("%u rules are used, %u are not supported, %u are wrong, %u are commented out\n",
		    stats->loaded, stats->unsupported, stats->malformed, stats->disabled);
	return stats->unsupported + stats->malformed ? COMMAND_FINDINGS : COMMAND_OK;
}

static int explain(const char *word, const struct inspection *alerts)
{
	const struct signatures *s = inspection_engine(alerts);
	unsigned long sid = strtoul(word, NULL, 10);
	struct buf b = {0};

	for (size_t i = 0; i < signatures_rule_count(s); i++)
		if (signatures_rule_at(s, i).sid == sid)
			signatures_explain(s, i, &b);
	if (b.len == 0) {
		command_error(&command_rules, "no rule with sid %s is used; teiten rules test says why",
		    word);
		buf_fini(&b);
		return COMMAND_NOT_FOUND;
	}
	(void)fputs(buf_text(&b), stdout);
	buf_fini(&b);
	return COMMAND_OK;
}

static int parse(struct request *r, int argc, char **argv, int *index)
{
	static const char *const names[] = {WINDOW_OPTIONS, "--sensor-net=", "--rule-var=", "--since=",
	    NULL};
	const char *value;
	int option;

	r->vars = command_need(calloc((size_t)argc + 1, sizeof(*r->vars)));
	r->sids = command_need(calloc((size_t)argc + 1, sizeof(*r->sids)));
	while ((option = command_option(&command_rules, &r->common, argc, argv, index, names, &value))
	    >= 0) {
		if (option == OPTION_RULE_VAR) {
			r->vars[r->var_count++] = value;
		} else if (option < WINDOW_OPTION_COUNT || option == OPTION_SINCE) {
			r->hunt = true;
			if (!window_option(&command_rules, &r->window,
			    option == OPTION_SINCE ? WINDOW_LAST : option, value))
				return COMMAND_USAGE;
		} else if (r->net_count == NETS_MAX
		    || ip_net_parse(value, strlen(value), &r->nets[r->net_count++])) {
			command_error(&command_rules, "--sensor-net %s: not a network such as 192.0.2.0/28",
			    value);
			return COMMAND_USAGE;
		}
	}
	return option == COMMAND_OPTION_BAD ? COMMAND_USAGE : COMMAND_OK;
}

static int with_rules(struct request *r, const char *verb, const char *sid,
    const char *const *files, size_t count)
{
	struct inspection_options options = {
		.rules = files, .rule_count = count, .vars = r->vars, .var_count = r->var_count,
		.nets = r->nets, .net_count = r->net_count, .problem = take_problem, .arg = r,
	};
	struct hunt_options hunt = {
		.self = &command_rules, .common = &r->common, .window = &r->window, .rules = options,
		.sids = r->sids, .sid_count = r->sid_count,
	};
	struct inspection *alerts;
	struct err err = {0};
	int status;

	if (r->hunt)
		return hunt_run(&hunt);
	if (strcmp(verb, "test") == 0)
		r->problems = table_new(problem_columns, sizeof(problem_columns) / sizeof(problem_columns[0]));
	if (inspection_new(&options, &alerts, &err)) {
		command_error(&command_rules, "%s", err.text);
		table_free(r->problems);
		return err.code == ST_USAGE ? COMMAND_USAGE : COMMAND_FAILED;
	}
	if (r->problems)
		status = test(r, alerts);
	else
		status = sid ? explain(sid, alerts) : list(r, alerts);
	inspection_free(alerts);
	table_free(r->problems);
	return status;
}

/* Names of signatures come before those of files; a signature asks for a hunt. */
static int take_sids(struct request *r, int argc, char **argv, int index)
{
	for (; index < argc; index++) {
		char *end;
		unsigned long sid = strtoul(argv[index], &end, 10);

		if (end == argv[index] || *end || sid == 0 || sid > UINT32_MAX)
			break;
		r->sids[r->sid_count++] = (uint32_t)sid;
		r->hunt = true;
	}
	return index;
}

static int run(int argc, char **argv)
{
	static const char *const verbs[] = {"list", "test", "explain", NULL};
	struct request r = {0};
	struct config_files files = {0};
	struct err err = {0};
	const char *verb;
	const char *sid = NULL;
	int index = 0;
	int status = parse(&r, argc, argv, &index);

	if (status)
		goto out;
	status = COMMAND_USAGE;
	verb = index < argc ? argv[index++] : "";
	if (strcmp(verb, "explain") == 0)
		sid = index < argc ? argv[index++] : NULL;
	else if (strcmp(verb, "list") != 0 && strcmp(verb, "test") != 0) {
		command_error(&command_rules, "list, test or explain?%s", command_suggestion(verb, verbs));
		goto out;
	}
	if (strcmp(verb, "explain") == 0 && !sid) {
		command_error(&command_rules, "which rule? (teiten rules -h)");
		goto out;
	}
	if (strcmp(verb, "test") == 0)
		index = take_sids(&r, argc, argv, index);
	else if (r.hunt) {
		command_error(&command_rules, "a period is for test (teiten rules -h)");
		goto out;
	}
	if (index < argc) {
		status = with_rules(&r, verb, sid, (const char *const *)argv + index,
		    (size_t)(argc - index));
		goto out;
	}
	if (inspection_files_configured(&files, &err)) {
		command_error(&command_rules, "%s", err.text);
		status = COMMAND_FAILED;
		goto out;
	}
	if (files.count == 0)
		command_error(&command_rules, "which file of rules? None is configured in "
		    "signatures.rules (teiten rules -h)");
	else
		status = with_rules(&r, verb, sid, files.names, files.count);
out:
	config_files_free(&files);
	free(r.vars);
	free(r.sids);
	return status;
}

const struct command command_rules = {
	.name = "rules",
	.summary = "List, check and explain signatures",
	.usage = usage,
	.run = run,
};
