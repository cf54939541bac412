/*
 * Retention: removing old dates by age and by how full the disk is.  Contract in store.h.
 *
 * The catalogue forgets the files first, so a crash in between leaves only files that the next
 * opening sweeps away.  A date loses its flow only when its rollups are written.
 */
#include "store/compact.h"
#include "store/payload.h"
#include "store/segment.h"
#include "store/tables.h"

#include "base/civil.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct prune {
	struct store *store;
	const struct store_prune_options *options;
	void (*say)(void *arg, const char *line);
	void *arg;
	struct err *err;
	uint64_t freed; /* bytes, also when dry_run only counts */
	int64_t done[TABLE_RETENTION_COUNT]; /* dates before this one have nothing of the class */
	const char *blob_why;
};

static void say_file(struct prune *prune, const char *path, const char *why)
{
	struct buf line = {0};

	buf_printf(&line, "%s %s (%s)", prune->options->dry_run ? "would remove" : "removed", path,
	    why);
	prune->say(prune->arg, buf_text(&line));
	buf_fini(&line);
}

/* Collects the files of a date (of one table, or all when NULL) as NUL-ended paths. */
static int list_files(struct prune *prune, int32_t day, const char *table, struct buf *paths,
    unsigned *ret_count)
{
	sqlite3_stmt *stmt = NULL;
	unsigned count = 0;
	int ret = catalogue_prepare(&prune->store->cat, &stmt, prune->err,
	    "SELECT tbl, name, bytes FROM segment WHERE day = ?1 AND (?2 IS NULL OR tbl = ?2)",
	    "is", (int64_t)day, table);

	while (!ret && (ret = catalogue_step(&prune->store->cat, stmt, prune->err)) == 1) {
		ret = ST_OK;
		segment_path(paths, prune->store->path, catalogue_text(stmt, 0), day,
		    catalogue_text(stmt, 1));
		buf_putc(paths, '\0');
		prune->freed += (uint64_t)sqlite3_column_int64(stmt, 2);
		count++;
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	if (!ret && paths->failed)
		ret = err_set(prune->err, -ENOMEM, "out of memory");
	*ret_count = count;
	return ret;
}

/* Forgets a date's segments of one table, or of all tables and the date itself. */
static int forget(struct prune *prune, int32_t day, const char *table)
{
	struct catalogue *cat = &prune->store->cat;
	int ret = catalogue_run(cat, prune->err,
	    "DELETE FROM segment WHERE day = ?1 AND (?2 IS NULL OR tbl = ?2)", "is", (int64_t)day,
	    table);

	if (ret)
		return ret;
	if (table)
		ret = catalogue_run(cat, prune->err,
		    "INSERT INTO dropped (tbl, day) VALUES (?, ?) ON CONFLICT DO NOTHING", "si",
		    table, (int64_t)day);
	if (ret || (table && strcmp(table, "flow") != 0))
		return ret; /* nothing is made from other tables */
	return catalogue_run(cat, prune->err,
	    table ? "UPDATE date SET flow_dropped = 1 WHERE day = ?"
	          : "DELETE FROM date WHERE day = ?",
	    "i", (int64_t)day);
}

static int drop(struct prune *prune, int32_t day, const char *table, const char *why)
{
	struct catalogue *cat = &prune->store->cat;
	struct buf paths = {0};
	const char *path;
	unsigned count = 0;
	int ret = catalogue_begin_read(cat, prune->err);

	if (ret)
		return ret;
	ret = list_files(prune, day, table, &paths, &count);
	if (!ret && !prune->options->dry_run)
		ret = forget(prune, day, table);
	ret = catalogue_end(cat, ret, prune->err);
	path = buf_text(&paths);
	for (unsigned i = 0; !ret && i < count; i++, path += strlen(path) + 1) {
		if (!prune->options->dry_run)
			(void)unlink(path); /* else swept at the next opening */
		say_file(prune, path, why);
	}
	buf_fini(&paths);
	return ret;
}

/* The oldest date from `from` on with flow (or any) segments; ST_NOT_FOUND when there is none. */
static int oldest(struct prune *prune, int64_t from, const char *table, int32_t *ret_day)
{
	int64_t day = 0;
	int ret = catalogue_int(&prune->store->cat, &day, prune->err,
	    "SELECT day FROM segment WHERE day >= ?1 AND superseded = 0 "
	    "AND (?2 IS NULL OR tbl = ?2) ORDER BY day LIMIT 1",
	    "is", from, table);

	if (!ret)
		*ret_day = (int32_t)day;
	return ret;
}

/* Drops a date's flow; its rollups are written first when they are not. */
static int drop_flow(struct prune *prune, int32_t day, const char *why)
{
	struct store_compact_stats stats = {0};
	int64_t dirty = 1;
	int ret = catalogue_int(&prune->store->cat, &dirty, prune->err,
	    "SELECT dirty FROM date WHERE day = ?", "i", (int64_t)day);

	if (ret == ST_NOT_FOUND)
		ret = ST_OK;
	if (!ret && dirty && !prune->options->dry_run)
		ret = compact_date(prune->store, day, prune->options->now_us, &stats, prune->err);
	if (!ret)
		ret = drop(prune, day, "flow", why);
	return ret;
}

/* Drops the tables of a class, date by date, before a day. */
static int drop_class(struct prune *prune, enum table_retention retention, int32_t before,
    const char *why)
{
	int ret = ST_OK;

	for (int id = 0; !ret && id < RECORD_TABLE_COUNT; id++) {
		int64_t from = prune->done[retention];
		int32_t day;

		if (table_info((enum record_table_id)id).retention != retention)
			continue;
		while (!ret && (ret = oldest(prune, from, record_tables[id].name, &day)) == ST_OK
		    && day < before) {
			ret = retention == TABLE_KEEP_FLOW
			    ? drop_flow(prune, day, why)
			    : drop(prune, day, record_tables[id].name, why);
			from = (int64_t)day + 1;
		}
		if (ret == ST_NOT_FOUND)
			ret = ST_OK;
	}
	if (before > prune->done[retention])
		prune->done[retention] = before;
	return ret;
}

static void blob_gone(void *arg, const char *path, uint64_t bytes)
{
	struct prune *prune = arg;

	prune->freed += bytes;
	say_file(prune, path, prune->blob_why);
}

static int drop_blobs(struct prune *prune, int32_t before, const char *why)
{
	prune->blob_why = why;
	return payload_prune(prune->store, before, prune->options->dry_run, blob_gone, prune,
	    prune->err);
}

static int drop_by_age(struct prune *prune)
{
	const struct store_prune_options *options = prune->options;
	int64_t from = INT64_MIN;
	int32_t blobs = options->payload_before > options->all_before ? options->payload_before
	                                                              : options->all_before;
	int32_t day;
	int ret;

	while ((ret = oldest(prune, from, NULL, &day)) == ST_OK && day < options->all_before) {
		ret = drop(prune, day, NULL, "older than everything kept");
		if (ret)
			return ret;
		from = (int64_t)day + 1;
	}
	if (ret == ST_NOT_FOUND)
		ret = ST_OK;
	if (!ret)
		ret = drop_class(prune, TABLE_KEEP_FLOW, options->flow_before,
		    "flow older than kept");
	if (!ret)
		ret = drop_class(prune, TABLE_KEEP_SESSION, options->session_before,
		    "sessions older than kept");
	if (!ret && blobs > 0)
		ret = drop_blobs(prune, blobs, "payload older than kept");
	return ret;
}

/* The oldest date that has something left that may go: flow, or rows of sessions. */
static int oldest_detail(struct prune *prune, int32_t *ret_day)
{
	int32_t first = INT32_MAX;

	for (int id = 0; id < RECORD_TABLE_COUNT; id++) {
		int32_t day;
		int ret;

		enum table_retention retention = table_info((enum record_table_id)id).retention;

		if (retention == TABLE_KEEP_ALL)
			continue;
		ret = oldest(prune, prune->done[retention], record_tables[id].name, &day);
		if (ret < 0 && ret != ST_NOT_FOUND)
			return ret;
		if (!ret && day < first)
			first = day;
	}
	*ret_day = first;
	return first == INT32_MAX ? ST_NOT_FOUND : ST_OK;
}

static int drop_detail(struct prune *prune, int32_t day, const char *why)
{
	int ret = drop_class(prune, TABLE_KEEP_FLOW, day + 1, why);

	if (!ret)
		ret = drop_class(prune, TABLE_KEEP_SESSION, day + 1, why);
	/* A dry run would name the blobs of every earlier turn again. */
	if (!ret && !prune->options->dry_run)
		ret = drop_blobs(prune, day + 1, why);
	return ret;
}

static int drop_by_watermark(struct prune *prune)
{
	double watermark = prune->options->watermark;
	struct statvfs fs;
	unsigned count = 0;
	int32_t day;
	int ret = ST_OK;

	if (watermark <= 0)
		return ST_OK;
	if (!prune->options->dry_run)
		ret = compact_remove_superseded(prune->store, prune->options->now_us, &count,
		    prune->err);
	for (uint64_t before = prune->freed; !ret;) {
		double full;

		if (statvfs(prune->store->path, &fs) != 0)
			return err_set(prune->err, -errno, "%s: %s", prune->store->path,
			    strerror(errno));
		full = 1.0 - (double)fs.f_bavail / (double)(fs.f_blocks ? fs.f_blocks : 1);
		if (prune->options->dry_run)
			full -= (double)(prune->freed - before)
			    / ((double)fs.f_frsize * (double)(fs.f_blocks ? fs.f_blocks : 1));
		if (full <= watermark)
			return ST_OK;
		ret = oldest_detail(prune, &day);
		if (!ret && prune->options->watermark_before && day >= prune->options->watermark_before)
			return ST_OK;
		if (!ret)
			ret = drop_detail(prune, day, "the disk is too full");
	}
	return ret == ST_NOT_FOUND ? ST_OK : ret;
}

int store_prune(struct store *store, const struct store_prune_options *options,
    void (*say)(void *arg, const char *line), void *arg, struct err *err)
{
	struct prune prune = {.store = store, .options = options, .say = say, .arg = arg,
		.err = err};
	int ret;

	for (int i = 0; i < TABLE_RETENTION_COUNT; i++)
		prune.done[i] = INT64_MIN;
	if (store->mode != STORE_WRITE && !options->dry_run)
		return err_set(err, ST_USAGE, "the store %s is open for reading", store->path);
	ret = drop_by_age(&prune);
	return ret ? ret : drop_by_watermark(&prune);
}
