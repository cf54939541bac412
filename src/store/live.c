/*
 * Journal, keeper thread and replay of live ingests; the contract is in live.h.
 *
 * A row is written to the journal, then buffered.  The keeper syncs the journal several times a
 * second and turns what is buffered into segments soon after the caller pauses (a minute was
 * closed), at the latest after a minute.  The transaction that lists the segments also moves the
 * journal's `covered` offset, so every row is in exactly one of the two.
 * The keeper has its own connection to the catalogue; `busy` guards everything else.
 */
#include "store/live.h"

#include "store/journal.h"
#include "store/tables.h"

#include "base/civil.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KEEPER_TURN_NS 250000000l
#define PAUSE_US CIVIL_US_PER_SECOND      /* no rows for so long: make them visible */
#define VISIBLE_MAX_US CIVIL_US_PER_MINUTE /* the oldest buffered row waits at most so long */
#define JOURNAL_ROTATE (64u << 20)
#define JOURNAL_MAX (1u << 30) /* a longer one is not ours */

struct live {
	struct catalogue cat;
	struct journal *journal;
	char name[STORE_NAME_MAX];
	pthread_mutex_t busy; /* the ingest, cat and journal */
	pthread_cond_t changed;
	pthread_t keeper;
	bool keeper_runs;
	bool stop;
	int64_t first_us; /* when the oldest buffered row came, 0 = nothing is buffered */
	int64_t last_us;
	struct err failure; /* of the keeper; code 0: none */
};

static int64_t monotonic_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* always there */
	return (int64_t)now.tv_sec * CIVIL_US_PER_SECOND + now.tv_nsec / 1000;
}

static void put_path(struct buf *b, const struct store *store, const char *name)
{
	buf_printf(b, "%s/journal/%s", store->path, name);
}

static void remove_journal(const struct store *store, const char *name)
{
	struct buf path = {0};

	put_path(&path, store, name);
	(void)unlink(buf_text(&path)); /* else removed at the next opening */
	buf_fini(&path);
}

/* Makes DIR/journal and syncs it, so that a new file's entry is durable. */
static int sync_folder(const struct store *store, struct err *err)
{
	struct buf path = {0};
	int fd = -1;
	int ret = ST_OK;

	put_path(&path, store, "");
	if ((mkdir(buf_text(&path), 0777) != 0 && errno != EEXIST)
	    || (fd = open(buf_text(&path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0
	    || fsync(fd) != 0)
		ret = err_set(err, -errno, "%s: %s", buf_text(&path), strerror(errno));
	if (fd >= 0)
		(void)close(fd); /* nothing was written through it */
	buf_fini(&path);
	return ret;
}

static int new_journal(struct store_ingest *ingest, char name[STORE_NAME_MAX],
    struct journal **ret_journal, struct err *err)
{
	struct journal *journal = NULL;
	struct buf path = {0};
	int ret = sync_folder(ingest->store, err);

	if (ret)
		return ret;
	(void)store_unique_name(ingest->store, name);
	put_path(&path, ingest->store, name);
	ret = journal_create(buf_text(&path), &journal, err);
	buf_fini(&path);
	if (!ret)
		ret = sync_folder(ingest->store, err);
	if (ret)
		journal_close(journal);
	else
		*ret_journal = journal;
	return ret;
}

/* ---- making rows visible -------------------------------------------------------------------- */

/* Everything buffered → segments → listed, with the journal's offset.  Under `busy`. */
static int flush(struct store_ingest *ingest, struct err *err)
{
	struct live *live = ingest->live;
	struct journal *fresh = NULL;
	char fresh_name[STORE_NAME_MAX] = "";
	int ret = ingest_drain(ingest, err);

	if (!ret && journal_offset(live->journal) > JOURNAL_ROTATE)
		ret = new_journal(ingest, fresh_name, &fresh, err);
	if (!ret)
		ret = catalogue_begin(ingest->cat, err);
	if (ret)
		goto out;
	ret = ingest_list(ingest, err);
	if (!ret)
		ret = catalogue_run(ingest->cat, err, "UPDATE ingest SET rows = ? WHERE id = ?",
		    "ii", (int64_t)ingest->rows, ingest->id);
	if (!ret)
		ret = catalogue_run(ingest->cat, err,
		    "UPDATE journal SET name = ?, covered = ? WHERE ingest = ?", "sii",
		    fresh ? fresh_name : live->name,
		    fresh ? (int64_t)JOURNAL_HEADER_SIZE : (int64_t)journal_offset(live->journal),
		    ingest->id);
	ret = catalogue_end(ingest->cat, ret, err);
	if (ret)
		goto out;
	ingest->segment_count = 0;
	live->first_us = 0;
	if (fresh) {
		remove_journal(ingest->store, live->name);
		journal_close(live->journal);
		live->journal = fresh;
		memcpy(live->name, fresh_name, sizeof(live->name));
		fresh = NULL;
	}
out:
	journal_close(fresh); /* its file is swept at the next opening */
	return ret;
}

static bool is_due(const struct live *live, int64_t now)
{
	return live->first_us
	    && (now - live->last_us >= PAUSE_US || now - live->first_us >= VISIBLE_MAX_US);
}

static void *keeper_main(void *arg)
{
	struct store_ingest *ingest = arg;
	struct live *live = ingest->live;

	(void)pthread_mutex_lock(&live->busy);
	while (!live->stop) {
		struct timespec until;
		struct err err = {0};
		int ret;

		(void)clock_gettime(CLOCK_REALTIME, &until); /* always there */
		until.tv_nsec += KEEPER_TURN_NS;
		until.tv_sec += until.tv_nsec / 1000000000l;
		until.tv_nsec %= 1000000000l;
		(void)pthread_cond_timedwait(&live->changed, &live->busy, &until);
		if (live->failure.code)
			continue;
		ret = journal_sync(live->journal, &err);
		if (!ret && is_due(live, monotonic_us()))
			ret = flush(ingest, &err);
		if (ret)
			live->failure = err;
	}
	(void)pthread_mutex_unlock(&live->busy);
	return NULL;
}

/* ---- the life of a live ingest -------------------------------------------------------------- */

static void live_free(struct store_ingest *ingest)
{
	struct live *live = ingest->live;

	if (live->keeper_runs) {
		(void)pthread_mutex_lock(&live->busy);
		live->stop = true;
		(void)pthread_cond_broadcast(&live->changed);
		(void)pthread_mutex_unlock(&live->busy);
		(void)pthread_join(live->keeper, NULL);
	}
	journal_close(live->journal);
	catalogue_close(&live->cat);
	(void)pthread_cond_destroy(&live->changed);
	(void)pthread_mutex_destroy(&live->busy);
	free(live);
	ingest->live = NULL;
}

/* The ingest and its journal get their rows before the first byte is written. */
static int enter(struct store_ingest *ingest, struct err *err)
{
	struct live *live = ingest->live;
	int ret = new_journal(ingest, live->name, &live->journal, err);

	if (!ret)
		ret = catalogue_begin(ingest->cat, err);
	if (ret)
		return ret;
	ret = ingest_register(ingest, err);
	if (!ret)
		ret = catalogue_run(ingest->cat, err,
		    "INSERT INTO journal (name, ingest, covered) VALUES (?, ?, ?)", "sii",
		    live->name, ingest->id, (int64_t)JOURNAL_HEADER_SIZE);
	return catalogue_end(ingest->cat, ret, err);
}

int live_start(struct store_ingest *ingest, struct err *err)
{
	struct live *live = calloc(1, sizeof(*live));
	int ret;

	if (!live)
		return err_set(err, -ENOMEM, "out of memory");
	ingest->live = live;
	(void)pthread_mutex_init(&live->busy, NULL); /* never fails on Linux */
	(void)pthread_cond_init(&live->changed, NULL);
	ret = catalogue_open(&live->cat, ingest->store->path, true, NULL, err);
	if (!ret) {
		ingest->cat = &live->cat;
		ret = enter(ingest, err);
	}
	if (!ret) {
		int rc = pthread_create(&live->keeper, NULL, keeper_main, ingest);

		live->keeper_runs = rc == 0;
		if (rc)
			ret = err_set(err, -rc, "cannot start a thread: %s", strerror(rc));
	}
	if (ret)
		live_free(ingest);
	return ret;
}

int live_add(struct store_ingest *ingest, enum record_table_id id, const void *rows, size_t count,
    struct err *err)
{
	struct live *live = ingest->live;
	int ret = ST_OK;

	(void)pthread_mutex_lock(&live->busy);
	if (live->failure.code)
		ret = err_set(err, live->failure.code, "%s", live->failure.text);
	if (!ret)
		ret = journal_append(live->journal, &record_tables[id], rows, count, err);
	if (!ret)
		ret = ingest_add(ingest, id, rows, count, err);
	if (ret && !live->failure.code) {
		/* Journal and buffers may differ now; what is in the journal is replayed. */
		live->failure.code = ret;
		(void)snprintf(live->failure.text, sizeof(live->failure.text), "%s",
		    err ? err->text : st_text(ret));
	}
	live->last_us = monotonic_us();
	if (!live->first_us)
		live->first_us = live->last_us;
	(void)pthread_mutex_unlock(&live->busy);
	return ret;
}

int live_commit(struct store_ingest *ingest, struct err *err)
{
	struct live *live = ingest->live;
	struct store *store = ingest->store;
	char name[STORE_NAME_MAX];
	int ret = ST_OK;

	(void)pthread_mutex_lock(&live->busy);
	if (live->failure.code)
		ret = err_set(err, live->failure.code, "%s", live->failure.text);
	if (!ret)
		ret = flush(ingest, err);
	if (!ret)
		ret = catalogue_run(ingest->cat, err, "UPDATE ingest SET sha256 = ? WHERE id = ?",
		    "si", ingest->sha256[0] ? ingest->sha256 : NULL, ingest->id);
	if (!ret)
		ret = catalogue_run(ingest->cat, err, "DELETE FROM journal WHERE ingest = ?", "i",
		    ingest->id);
	memcpy(name, live->name, sizeof(name));
	(void)pthread_mutex_unlock(&live->busy);
	live_free(ingest);
	ingest_free(ingest);
	if (!ret)
		remove_journal(store, name);
	return ret;
}

void live_abort(struct store_ingest *ingest)
{
	struct live *live = ingest->live;

	(void)pthread_mutex_lock(&live->busy);
	if (journal_sync(live->journal, NULL))
		live->stop = true; /* loses what a crash would lose; there is nobody to tell */
	live->failure.code = ST_LIMIT; /* the keeper does no more work */
	(void)pthread_mutex_unlock(&live->busy);
	live_free(ingest);
	ingest_free(ingest);
}

/* ---- after a crash -------------------------------------------------------------------------- */

struct replay {
	struct store_ingest *ingest;
	struct err *err;
};

static int replay_row(void *arg, enum record_table_id table, const void *row)
{
	struct replay *replay = arg;

	if (!table_is_ingested(table))
		return ST_OK; /* nothing else is ever journalled */
	return ingest_add(replay->ingest, table, row, 1, replay->err);
}

/* The whole file; *ret_data is the caller's.  A missing file is an empty one. */
static int read_journal(const char *path, uint8_t **ret_data, size_t *ret_len, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *data = NULL;
	size_t len = 0;
	struct stat st;
	int ret = ST_OK;

	if (fd < 0 && errno == ENOENT) {
		*ret_data = NULL;
		*ret_len = 0;
		return ST_OK;
	}
	if (fd < 0 || fstat(fd, &st) != 0) {
		ret = err_set(err, -errno, "cannot read %s: %s", path, strerror(errno));
		goto out;
	}
	if (st.st_size > JOURNAL_MAX) {
		ret = err_set(err, ST_LIMIT, "%s is longer than a journal can be", path);
		goto out;
	}
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		ret = err_set(err, -ENOMEM, "out of memory");
	while (!ret && len < (size_t)st.st_size) {
		ssize_t got = read(fd, data + len, (size_t)st.st_size - len);

		if (got < 0)
			ret = err_set(err, -errno, "cannot read %s: %s", path, strerror(errno));
		if (got <= 0)
			break;
		len += (size_t)got;
	}
out:
	if (fd >= 0)
		(void)close(fd); /* read only */
	if (ret) {
		free(data);
		return ret;
	}
	*ret_data = data;
	*ret_len = len;
	return ST_OK;
}

/* Lists what was replayed and forgets the journal in one transaction. */
static int finish_replay(struct store_ingest *ingest, struct err *err)
{
	int ret = ingest_drain(ingest, err);

	if (!ret)
		ret = catalogue_begin(ingest->cat, err);
	if (ret)
		return ret;
	ret = ingest_list(ingest, err);
	if (!ret)
		ret = catalogue_run(ingest->cat, err,
		    "UPDATE ingest SET rows = rows + ? WHERE id = ?", "ii", (int64_t)ingest->rows,
		    ingest->id);
	if (!ret)
		ret = catalogue_run(ingest->cat, err, "DELETE FROM journal WHERE ingest = ?", "i",
		    ingest->id);
	return catalogue_end(ingest->cat, ret, err);
}

static int replay_one(struct store *store, const char *name, int64_t id, uint64_t covered,
    struct err *err)
{
	struct replay replay = {.err = err};
	struct buf path = {0};
	uint8_t *data = NULL;
	uint64_t end = 0;
	size_t len = 0;
	int ret;

	put_path(&path, store, name);
	ret = read_journal(buf_text(&path), &data, &len, err);
	if (!ret)
		ret = ingest_new(store, 0, name, &replay.ingest, err);
	if (ret)
		goto out;
	replay.ingest->id = id;
	if (len >= JOURNAL_HEADER_SIZE)
		ret = journal_read(data, len, covered, replay_row, &replay, &end);
	if (ret == ST_MALFORMED || ret == ST_UNSUPPORTED)
		ret = err_set(err, ret, "%s is not a journal that this program can read",
		    buf_text(&path));
	if (!ret)
		ret = finish_replay(replay.ingest, err);
	ingest_free(replay.ingest);
	if (!ret)
		(void)unlink(buf_text(&path)); /* else removed at the next opening */
out:
	free(data);
	buf_fini(&path);
	return ret;
}

/* The next journal of the catalogue: 1, or 0 when there is none. */
static int next_journal(struct store *store, char name[STORE_NAME_MAX], int64_t *ret_ingest,
    int64_t *ret_covered, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int ret = catalogue_prepare(&store->cat, &stmt, err,
	    "SELECT name, ingest, covered FROM journal ORDER BY id LIMIT 1", "");

	if (ret)
		return ret;
	ret = catalogue_step(&store->cat, stmt, err);
	if (ret == 1) {
		(void)snprintf(name, STORE_NAME_MAX, "%s", catalogue_text(stmt, 0));
		*ret_ingest = sqlite3_column_int64(stmt, 1);
		*ret_covered = sqlite3_column_int64(stmt, 2);
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	return ret;
}

int live_replay(struct store *store, struct err *err)
{
	char name[STORE_NAME_MAX];
	struct dirent *entry;
	struct buf path = {0};
	int64_t covered = 0;
	int64_t id = 0;
	DIR *dir;
	int ret;

	while ((ret = next_journal(store, name, &id, &covered, err)) == 1) {
		ret = replay_one(store, name, id, (uint64_t)covered, err);
		if (ret)
			break;
	}
	put_path(&path, store, "");
	dir = ret ? NULL : opendir(buf_text(&path));
	buf_fini(&path);
	/* No journal is listed any more: what is left was made just before a crash. */
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			remove_journal(store, entry->d_name);
	if (dir)
		(void)closedir(dir); /* read only */
	return ret;
}
