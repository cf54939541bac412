/*
 * Opening and closing a store, and the small tables of its catalogue: sensors, destinations,
 * signatures.  Contract in store.h.
 */
#include "store/internal.h"

#include "store/chunks.h"
#include "store/judged.h"
#include "store/live.h"
#include "base/civil.h"
#include "store/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int64_t store_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* always there */
	return (int64_t)now.tv_sec * CIVIL_US_PER_SECOND + now.tv_nsec / 1000;
}

const char *store_unique_name(struct store *store, char name[STORE_NAME_MAX])
{
	unsigned number = __atomic_fetch_add(&store->name_count, 1, __ATOMIC_RELAXED);

	(void)snprintf(name, STORE_NAME_MAX, "%016llx-%04u", (unsigned long long)store->token,
	    number);
	return name;
}

int store_merger(struct store *store, struct engine **ret_engine, struct err *err)
{
	struct buf temp = {0};
	int ret = ST_OK;

	if (!store->merger.db) {
		buf_printf(&temp, "%s/tmp", store->path);
		const struct engine_options options = {.threads = store->threads,
			.memory_bytes = store->memory_bytes,
			.temp_path = store->mode == STORE_WRITE ? buf_text(&temp) : NULL};

		ret = engine_open(&store->merger, &options, err);
		if (!ret)
			ret = engine_run(&store->merger,
			    embed_find(store_sql_files, "macros.sql")->data, err);
		if (ret)
			engine_close(&store->merger);
		buf_fini(&temp);
	}
	if (!ret)
		*ret_engine = &store->merger;
	return ret;
}

/* ---- opening -------------------------------------------------------------------------------- */

/* Holds DIR/lock until the descriptor closes, which the kernel does for a dead process. */
static int take_lock(struct store *store, struct err *err)
{
	struct buf path = {0};
	char pid[24] = "";
	ssize_t len;
	int ret = ST_OK;

	buf_printf(&path, "%s/lock", store->path);
	store->lock_fd = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (store->lock_fd < 0) {
		ret = err_set(err, -errno, "cannot open %s: %s", buf_text(&path), strerror(errno));
	} else if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		len = pread(store->lock_fd, pid, sizeof(pid) - 1, 0);
		pid[len > 0 ? len : 0] = '\0';
		pid[strcspn(pid, "\n")] = '\0';
		ret = err_set(err, ST_EXISTS,
		    "the store %s is being written by process %s; wait for it or stop it",
		    store->path, pid[0] ? pid : "(unknown)");
	} else {
		len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
		if (ftruncate(store->lock_fd, 0) != 0
		    || pwrite(store->lock_fd, pid, (size_t)len, 0) != len)
			ret = err_set(err, -errno, "cannot write %s: %s", buf_text(&path),
			    strerror(errno));
	}
	buf_fini(&path);
	return ret;
}

/* Makes the directory and the ones above it that are missing. */
static int make_directories(const char *path, struct err *err)
{
	char *copy = strdup(path);
	int ret = ST_OK;

	if (!copy)
		return err_set(err, -ENOMEM, "out of memory");
	for (char *p = copy + 1; !ret; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, 0777) != 0 && errno != EEXIST)
			ret = err_set(err, -errno, "cannot make %s: %s", copy, strerror(errno));
		*p = c;
		if (c == '\0')
			break;
	}
	free(copy);
	return ret;
}

static int open_zone(struct store *store, struct err *err)
{
	sqlite3_stmt *stmt;
	int ret = catalogue_prepare(&store->cat, &stmt, err,
	    "SELECT value FROM meta WHERE key = 'timezone'", "");

	if (ret)
		return ret;
	ret = catalogue_step(&store->cat, stmt, err);
	if (ret >= 0)
		ret = zone_new(ret ? catalogue_text(stmt, 0) : "UTC", &store->zone, err);
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	return ret;
}

/* The absolute path, because DuckDB and SQLite must not depend on the working directory. */
static int find_path(struct store *store, const struct store_options *options, struct err *err)
{
	int ret = options->mode == STORE_WRITE ? make_directories(options->path, err) : ST_OK;

	if (ret)
		return ret;
	store->path = realpath(options->path, NULL);
	if (!store->path && errno == ENOENT)
		return err_set(err, ST_NOT_FOUND, "there is no store at %s", options->path);
	if (!store->path)
		return err_set(err, -errno, "%s: %s", options->path, strerror(errno));
	if (strpbrk(store->path, "*?["))
		return err_set(err, ST_USAGE,
		    "the path of a store may not contain '*', '?' or '[': %s", store->path);
	return ST_OK;
}

static int open_for_writing(struct store *store, const struct store_options *options,
    struct err *err)
{
	struct zone *zone = NULL;
	int ret = ST_OK;

	if (options->timezone) {
		ret = zone_new(options->timezone, &zone, err); /* refuse a wrong one early */
		zone_free(zone);
	}
	if (!ret)
		ret = take_lock(store, err);
	if (!ret)
		ret = catalogue_open(&store->cat, store->path, true, options->timezone, err);
	if (!ret && getrandom(&store->token, sizeof(store->token), 0) != sizeof(store->token))
		ret = err_set(err, -EIO, "no random numbers");
	if (!ret)
		ret = sweep_remove(store, err);
	return ret;
}

int store_open(const struct store_options *options, struct store **ret_store, struct err *err)
{
	struct store *store;
	int ret;

	if (!options->path || !options->path[0])
		return err_set(err, ST_USAGE, "a store needs a path");
	store = calloc(1, sizeof(*store));
	if (!store)
		return err_set(err, -ENOMEM, "out of memory");
	store->lock_fd = -1;
	(void)pthread_mutex_init(&store->judging_lock, NULL); /* neither fails without attributes */
	(void)pthread_rwlock_init(&store->alone, NULL);
	store->mode = options->mode;
	store->threads = options->threads;
	store->memory_bytes = options->memory_bytes;
	store->judging = options->judging;
	ret = find_path(store, options, err);
	if (!ret && options->mode == STORE_WRITE)
		ret = open_for_writing(store, options, err);
	else if (!ret)
		ret = catalogue_open(&store->cat, store->path, false, NULL, err);
	if (!ret)
		ret = open_zone(store, err);
	if (!ret && options->mode == STORE_WRITE)
		ret = live_replay(store, err);
	if (ret) {
		store_close(store);
		return ret;
	}
	*ret_store = store;
	return ST_OK;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	query_end(store);
	judged_free(store->judged);
	engine_close(&store->reader);
	among_fini(&store->among);
	engine_close(&store->merger);
	chunks_taker_free(store->taker);
	catalogue_close(&store->cat);
	zone_free(store->zone);
	research_free(store->research);
	tools_free(store->tools);
	if (store->lock_fd >= 0)
		(void)close(store->lock_fd); /* releases the lock */
	(void)pthread_mutex_destroy(&store->judging_lock);
	(void)pthread_rwlock_destroy(&store->alone);
	free(store->path);
	free(store);
}

struct zone *store_zone(struct store *store)
{
	return store->zone;
}

/* ---- sensors -------------------------------------------------------------------------------- */

static char *text_copy(struct record_text text)
{
	return strndup(text.data ? text.data : "", text.data ? text.len : 0);
}

int store_sensor_put(struct store *store, const struct record_sensor *sensor, uint16_t *ret_id,
    struct err *err)
{
	struct catalogue *cat = &store->cat;
	char country[3] = {sensor->country[0], sensor->country[1], '\0'};
	char *name = text_copy(sensor->name);
	char *kind = text_copy(sensor->kind);
	char *tags = text_copy(sensor->tags);
	int64_t id = 0;
	int ret;

	if (!name || !kind || !tags) {
		ret = err_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	if (!name[0]) {
		ret = err_set(err, ST_USAGE, "a sensor needs a name");
		goto out;
	}
	ret = catalogue_begin(cat, err);
	if (ret)
		goto out;
	/* Numbers start at 1; what is not given keeps its value. */
	ret = catalogue_run(cat, err,
	    "INSERT INTO sensor (name, country, kind, tags, addresses, valid_from, valid_to) "
	    "VALUES (?1, CASE ?2 WHEN '' THEN 'ZZ' ELSE ?2 END, "
	    "CASE ?3 WHEN '' THEN 'dark' ELSE ?3 END, ?4, ?5, ?6, ?7) "
	    "ON CONFLICT (name) DO UPDATE SET "
	    "country = CASE ?2 WHEN '' THEN country ELSE ?2 END, "
	    "kind = CASE ?3 WHEN '' THEN kind ELSE ?3 END, "
	    "tags = CASE ?4 WHEN '' THEN tags ELSE ?4 END, "
	    "addresses = CASE ?5 WHEN 0 THEN addresses ELSE ?5 END, "
	    "valid_from = CASE ?6 WHEN 0 THEN valid_from ELSE ?6 END, "
	    "valid_to = CASE ?7 WHEN 0 THEN valid_to ELSE ?7 END",
	    "ssssiii", name, country, kind, tags, (int64_t)sensor->addresses, sensor->valid_from,
	    sensor->valid_to);
	if (!ret)
		ret = catalogue_int(cat, &id, err, "SELECT id FROM sensor WHERE name = ?", "s",
		    name);
	if (!ret && id > UINT16_MAX)
		ret = err_set(err, ST_LIMIT, "a store holds at most %d sensors", UINT16_MAX);
	ret = catalogue_end(cat, ret, err);
	if (!ret)
		*ret_id = (uint16_t)id;
out:
	free(name);
	free(kind);
	free(tags);
	return ret;
}

int store_destinations_load(struct store *store, uint16_t sensor, struct ip **ret_addresses,
    size_t *ret_count, struct err *err)
{
	struct ip *list = NULL;
	sqlite3_stmt *stmt = NULL;
	size_t count = 0;
	size_t cap = 0;
	int ret = catalogue_prepare(&store->cat, &stmt, err,
	    "SELECT hi, lo FROM destination WHERE sensor = ? ORDER BY idx", "i", (int64_t)sensor);

	while (!ret && (ret = catalogue_step(&store->cat, stmt, err)) == 1) {
		if (count == cap) {
			struct ip *grown = realloc(list, (cap ? 2 * cap : 64) * sizeof(*list));

			if (!grown) {
				ret = err_set(err, -ENOMEM, "out of memory");
				break;
			}
			list = grown;
			cap = cap ? 2 * cap : 64;
		}
		list[count].hi = (uint64_t)sqlite3_column_int64(stmt, 0);
		list[count].lo = (uint64_t)sqlite3_column_int64(stmt, 1);
		count++;
		ret = ST_OK;
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	if (ret) {
		free(list);
		return ret;
	}
	*ret_addresses = list;
	*ret_count = count;
	return ST_OK;
}

int store_destinations_save(struct store *store, uint16_t sensor, const struct ip *addresses,
    size_t count, struct err *err)
{
	struct catalogue *cat = &store->cat;
	sqlite3_stmt *stmt = NULL;
	int64_t stored = 0;
	int ret = catalogue_begin(cat, err);

	if (ret)
		return ret;
	ret = catalogue_int(cat, &stored, err, "SELECT count(*) FROM destination WHERE sensor = ?",
	    "i", (int64_t)sensor);
	if (!ret)
		ret = catalogue_prepare(cat, &stmt, err,
		    "INSERT INTO destination VALUES (?, ?, ?, ?)", "");
	for (size_t i = (size_t)stored; !ret && i < count; i++) {
		(void)sqlite3_reset(stmt); /* the step below reports */
		(void)sqlite3_bind_int64(stmt, 1, sensor);
		(void)sqlite3_bind_int64(stmt, 2, (int64_t)i);
		(void)sqlite3_bind_int64(stmt, 3, (int64_t)addresses[i].hi);
		(void)sqlite3_bind_int64(stmt, 4, (int64_t)addresses[i].lo);
		ret = catalogue_step(cat, stmt, err);
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	return catalogue_end(cat, ret, err);
}

int store_signatures_put(struct store *store, const struct store_signature *signatures,
    size_t count, struct err *err)
{
	struct catalogue *cat = &store->cat;
	sqlite3_stmt *stmt = NULL;
	int ret = catalogue_begin(cat, err);

	if (ret)
		return ret;
	ret = catalogue_prepare(cat, &stmt, err,
	    "INSERT INTO signature VALUES (?, ?) ON CONFLICT (id) DO NOTHING", "");
	for (size_t i = 0; !ret && i < count; i++) {
		(void)sqlite3_reset(stmt); /* the step below reports */
		(void)sqlite3_bind_int64(stmt, 1, signatures[i].id);
		(void)sqlite3_bind_text(stmt, 2, signatures[i].text, -1, SQLITE_STATIC);
		ret = catalogue_step(cat, stmt, err);
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	return catalogue_end(cat, ret, err);
}

/* ---- what is there -------------------------------------------------------------------------- */

int store_stat(struct store *store, struct store_stat_row *ret_rows, size_t *ret_count,
    struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	size_t count = 0;
	int ret = catalogue_prepare(&store->cat, &stmt, err,
	    "SELECT s.tbl, count(DISTINCT s.day), "
	    "count(DISTINCT CASE WHEN d.dirty THEN s.day END), "
	    "count(*), sum(s.rows), sum(s.bytes), min(s.day), max(s.day) FROM segment s "
	    "LEFT JOIN date d ON d.day = s.day WHERE s.superseded = 0 GROUP BY s.tbl", "");

	while (!ret && (ret = catalogue_step(&store->cat, stmt, err)) == 1) {
		const struct record_table *table = record_table_find(catalogue_text(stmt, 0));

		ret = ST_OK;
		if (!table || count == RECORD_TABLE_COUNT)
			continue;
		ret_rows[count++] = (struct store_stat_row){
			.table = (enum record_table_id)(table - record_tables),
			.dates = (unsigned)sqlite3_column_int64(stmt, 1),
			.dates_dirty = (unsigned)sqlite3_column_int64(stmt, 2),
			.files = (unsigned)sqlite3_column_int64(stmt, 3),
			.rows = (uint64_t)sqlite3_column_int64(stmt, 4),
			.bytes = (uint64_t)sqlite3_column_int64(stmt, 5),
			.first_day = (int32_t)sqlite3_column_int64(stmt, 6),
			.last_day = (int32_t)sqlite3_column_int64(stmt, 7),
		};
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	if (!ret)
		*ret_count = count;
	return ret;
}

int store_days(struct store *store, int32_t *ret_first, int32_t *ret_last, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int ret = catalogue_prepare(&store->cat, &stmt, err,
	    "SELECT min(day), max(day) FROM segment WHERE superseded = 0 AND tbl = 'coverage'", "");

	if (ret)
		return ret;
	ret = catalogue_step(&store->cat, stmt, err);
	if (ret == 1 && sqlite3_column_type(stmt, 0) == SQLITE_NULL)
		ret = err_set(err, ST_NOT_FOUND, "the store %s is empty", store->path);
	if (ret == 1) {
		*ret_first = (int32_t)sqlite3_column_int(stmt, 0);
		*ret_last = (int32_t)sqlite3_column_int(stmt, 1);
		ret = ST_OK;
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	return ret;
}

int store_days_dropped(struct store *store, enum record_table_id table, int32_t day_from,
    int32_t day_to, unsigned *ret_days, struct err *err)
{
	int64_t days = 0;
	int64_t there = 0;
	int ret = catalogue_int(&store->cat, &there, err,
	    "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'dropped'", "");

	/* A store that nobody has written since has dropped nothing of these tables. */
	if (!ret && there)
		ret = catalogue_int(&store->cat, &days, err,
		    "SELECT count(*) FROM dropped WHERE tbl = ? AND day >= ? AND day < ?", "sii",
		    record_tables[table].name, (int64_t)day_from, (int64_t)day_to);
	if (!ret)
		*ret_days = (unsigned)days;
	return ret;
}
