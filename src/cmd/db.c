/*
 * teiten db: looks after a store: what is in it, whether it is whole, merging, retention.
 *
 * The work is the store's; this file reads the command line and prints.  stat and verify open
 * the store for reading only.
 */
#include "cmd/judging.h"
#include "cmd/table.h"

#include "base/civil.h"
#include "os/clock.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#define GRACE_DEFAULT_US (10 * CIVIL_US_PER_MINUTE)

static int run(int argc, char **argv);

const struct command command_db = {
	.name = "db",
	.summary = "Look after a store: stat, verify, compact, prune",
	.usage =
	    "usage: teiten db stat    [-s STORE] [--json|--csv|--tsv]\n"
	    "       teiten db verify  [-s STORE]\n"
	    "       teiten db compact [-s STORE] [--all] [--today]\n"
	    "       teiten db prune   [-s STORE] [--dry-run] [--before YYYY-MM-DD]\n"
	    "\n"
	    "stat     what is stored: per table the dates, files, rows and bytes.\n"
	    "verify   checks every file against the catalogue, rollups and judgements against the\n"
	    "         flows; exit status 3 when something is wrong.\n"
	    "compact  merges the finished dates that changed into one file per table, writes their\n"
	    "         rollups and judges them (attacks, roles of sources; thresholds: detect.*).\n"
	    "         Running queries keep their files for ten minutes.\n"
	    "prune    removes what retention.flow, .session, .payload and .watermark say is over and\n"
	    "         names each file.  Daily rollups and events stay unless --before is given.\n"
	    "\n"
	    "  -s STORE            directory of the store (default: store.path)\n"
	    "  --all               compact: also the dates that are merged already; they are\n"
	    "                      judged again\n"
	    "  --today             compact: also the date that is not over\n"
	    "  --dry-run           prune: only say what would be removed\n"
	    "  --before DATE       prune: remove everything of the site days before DATE\n"
	    "\n"
	    "Examples:\n"
	    "  teiten db stat\n"
	    "  teiten db verify -s /var/lib/teiten && echo whole\n"
	    "  teiten db prune --dry-run\n",
	.run = run,
};

struct request {
	struct command_common common;
	const char *path;
	const char *before;
	bool all;
	bool today;
	bool dry_run;
};

static int failed(const struct err *err)
{
	command_error(&command_db, "%s", err->text);
	return err->code == ST_USAGE ? COMMAND_USAGE
	    : err->code == ST_NOT_FOUND ? COMMAND_NOT_FOUND : COMMAND_FAILED;
}

static void say(void *arg, const char *line)
{
	struct buf b = {0};

	(void)arg;
	table_safe_text(&b, line, strlen(line));
	(void)printf("%s\n", buf_text(&b));
	buf_fini(&b);
}

static int stat_store(const struct request *request, struct store *store)
{
	static const struct table_column columns[] = {
		{.name = "table", .ja = "表"},
		{.name = "dates", .ja = "日数", .type = TABLE_INT},
		{.name = "dirty", .ja = "未整理", .type = TABLE_INT},
		{.name = "files", .ja = "ファイル", .type = TABLE_INT},
		{.name = "rows", .ja = "行", .type = TABLE_INT},
		{.name = "bytes", .ja = "バイト", .type = TABLE_INT},
		{.name = "bytes_per_row", .ja = "バイト/行", .en = "bytes/row", .type = TABLE_REAL},
		{.name = "first", .ja = "最初の日"},
		{.name = "last", .ja = "最後の日"},
	};
	struct store_stat_row rows[RECORD_TABLE_COUNT];
	struct table *table;
	struct err err = {0};
	struct buf b = {0};
	size_t count = 0;

	if (store_stat(store, rows, &count, &err))
		return failed(&err);
	table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < count; i++) {
		const struct store_stat_row *row = &rows[i];
		double each = row->rows ? (double)row->bytes / (double)row->rows : 0;
		char date[CIVIL_DATE_TEXT_MAX];

		table_row(table);
		table_set_text(table, 0, record_tables[row->table].name);
		table_set_uint(table, 1, row->dates);
		table_set_uint(table, 2, row->dates_dirty);
		table_set_count(table, 3, row->files);
		table_set_count(table, 4, row->rows);
		table_set_count(table, 5, row->bytes);
		table_set_real(table, 6, each);
		table_show(table, 6, "%.1f", each);
		table_set_text(table, 7, civil_format_date(row->first_day, date));
		table_set_text(table, 8, civil_format_date(row->last_day, date));
	}
	table_print(table, &request->common, &b);
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	table_free(table);
	return COMMAND_OK;
}

static int verify_store(const struct request *request, struct store *store)
{
	struct err err = {0};
	int findings = store_verify(store, say, NULL, &err);

	if (findings < 0)
		return failed(&err);
	if (!request->common.quiet)
		(void)fprintf(stderr, findings ? "%d findings\n" : "the store is whole\n", findings);
	return findings ? COMMAND_FINDINGS : COMMAND_OK;
}

static int compact_store(const struct request *request, struct store *store)
{
	struct store_compact_options options = {
		.before_day = INT32_MAX,
		.dirty_only = !request->all,
		.now_us = os_clock_now_us(),
		.grace_us = GRACE_DEFAULT_US,
	};
	struct store_compact_stats stats = {0};
	struct err err = {0};

	if (!request->today)
		options.before_day = zone_day(store_zone(store), options.now_us);
	if (store_compact(store, &options, &stats, &err))
		return failed(&err);
	if (!request->common.quiet)
		(void)fprintf(stderr,
		    "%u dates: %u files (%llu bytes) became %u (%llu bytes), %llu flow rows; "
		    "%u superseded files removed\n",
		    stats.dates, stats.files_before, (unsigned long long)stats.bytes_before,
		    stats.files_after, (unsigned long long)stats.bytes_after,
		    (unsigned long long)stats.rows, stats.files_deleted);
	return COMMAND_OK;
}

static int prune_store(const struct request *request, struct store *store)
{
	const struct config *config = command_configuration();
	struct store_prune_options options = {
		.all_before = INT32_MIN,
		.watermark = config->retention.watermark / 100.0,
		.dry_run = request->dry_run,
		.now_us = os_clock_now_us(),
	};
	struct err err = {0};
	int32_t today;

	today = zone_day(store_zone(store), options.now_us);
	options.flow_before = today - config->retention.flow;
	options.session_before = today - config->retention.session;
	options.payload_before = today - config->retention.payload;
	if (request->before
	    && civil_parse_date(request->before, strlen(request->before), &options.all_before)) {
		command_error(&command_db, "--before takes a date such as 2026-10-01");
		return COMMAND_USAGE;
	}
	return store_prune(store, &options, say, NULL, &err) ? failed(&err) : COMMAND_OK;
}

static const struct action {
	const char *name;
	enum store_mode mode;
	int (*run)(const struct request *request, struct store *store);
} actions[] = {
	{"stat", STORE_READ, stat_store},
	{"verify", STORE_READ, verify_store},
	{"compact", STORE_WRITE, compact_store},
	{"prune", STORE_WRITE, prune_store},
};

#define ACTION_COUNT (sizeof(actions) / sizeof(actions[0]))

static const struct action *find_action(const char *name)
{
	static const char *const names[] = {"stat", "verify", "compact", "prune", NULL};

	for (size_t i = 0; i < ACTION_COUNT; i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	command_error(&command_db, "there is no 'db %s'%s", name, command_suggestion(name, names));
	return NULL;
}

/* Fills *request; false after it has said what is wrong. */
static bool read_options(struct request *request, int argc, char **argv, int *index)
{
	static const char *const names[] = {
		"-s=", "--all", "--today", "--dry-run", "--before=", NULL,
	};
	const char *value;
	int option;

	while ((option = command_option(&command_db, &request->common, argc, argv, index, names,
	            &value)) >= 0) {
		switch (option) {
		case 0:
			request->path = value;
			break;
		case 1:
			request->all = true;
			break;
		case 2:
			request->today = true;
			break;
		case 3:
			request->dry_run = true;
			break;
		default:
			request->before = value;
			break;
		}
	}
	return option == COMMAND_OPTION_END;
}

static int run(int argc, char **argv)
{
	const struct action *action;
	struct request request = {0};
	struct store_options options = {0};
	struct store *store = NULL;
	struct err err = {0};
	int index = 0;
	int status;

	if (!read_options(&request, argc, argv, &index))
		return COMMAND_USAGE;
	if (argc - index != 1) {
		command_error(&command_db, "one of stat, verify, compact, prune (teiten db -h)");
		return COMMAND_USAGE;
	}
	action = find_action(argv[index]);
	if (!action)
		return COMMAND_USAGE;
	options.path = request.path ? request.path : command_configuration()->store.path;
	options.mode = request.dry_run ? STORE_READ : action->mode;
	if (options.mode == STORE_WRITE) {
		/* Looking after a store that is not there must not make one. */
		struct store_options look = {.path = options.path, .mode = STORE_READ};

		if (store_open(&look, &store, &err))
			return failed(&err);
		store_close(store);
	}
	if (judging_options(&options, &err) || store_open(&options, &store, &err))
		return failed(&err);
	status = action->run(&request, store);
	store_close(store);
	return status;
}
