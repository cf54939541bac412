/*
 * Taking rows in: they are sorted into batches by site day, and a thread writes full batches as
 * segments while the caller fills the next ones.  Contract in store.h.
 *
 * Nothing written is visible before the catalogue lists it, in one transaction with the ingest's
 * own row; what an abandoned ingest leaves on the disk is removed at the next opening for writing.
 */
#include "store/ingest.h"
#include "store/live.h"
#include "store/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_ROWS_MAX (512u << 10)  /* rows of one segment */
#define WITH_WRITER_MAX 2u /* batches: one is being written, one waits */
#define BUFFERED_ROWS_MAX (1024u << 10) /* rows in all batches that are being filled */
/* Sessions bring up to 4 KiB of payload each: their texts fill memory long before their rows. */
#define SEGMENT_TEXT_MAX (64u << 20)
#define BUFFERED_TEXT_MAX (256u << 20)
/* A sensor that is flooded must not fill a small machine's memory. */
#define SEGMENT_TEXT_MAX_LIVE (12u << 20)
#define BUFFERED_TEXT_MAX_LIVE (32u << 20)
#define DAY_MAX 2932896 /* 9999-12-31 */

/* ---- the writing thread --------------------------------------------------------------------- */

static int note_segment(struct store_ingest *ingest, const struct segment *segment)
{
	if (ingest->segment_count == ingest->segment_cap) {
		size_t cap = ingest->segment_cap ? 2 * ingest->segment_cap : 16;
		struct segment *grown = realloc(ingest->segments, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		ingest->segments = grown;
		ingest->segment_cap = cap;
	}
	ingest->segments[ingest->segment_count++] = *segment;
	return ST_OK;
}

static void keep_or_free(struct store_ingest *ingest, struct batch *batch)
{
	batch_clear(batch);
	if (ingest->spare || batch->table != &record_tables[RECORD_TABLE_flow])
		batch_free(batch);
	else
		ingest->spare = batch;
}

/* Writes the job that has waited longest; false: there is none.  With the mutex, which it leaves while
 * it writes. */
static bool write_job(struct store_ingest *ingest)
{
	struct batch *batch = ingest->jobs[0];
	struct segment segment;
	struct err err = {0};
	int ret;

	if (!ingest->job_count)
		return false;
	segment = (struct segment){.table = batch->table, .day = batch->day};
	(void)store_unique_name(ingest->store, segment.name);
	memmove(ingest->jobs, ingest->jobs + 1, --ingest->job_count * sizeof(struct batch *));
	ingest->writing++;
	ret = ingest->failure.code;
	(void)pthread_mutex_unlock(&ingest->mutex);
	if (!ret)
		ret = segment_write_rows(ingest->store->path, batch->rows, batch->count, &segment,
		    &err);
	(void)pthread_mutex_lock(&ingest->mutex);
	if (!ret && note_segment(ingest, &segment)) {
		ret = err_set(&err, -ENOMEM, "out of memory");
		segment_discard(ingest->store->path, &segment);
	}
	if (ret && !ingest->failure.code)
		ingest->failure = err;
	keep_or_free(ingest, batch);
	ingest->writing--;
	(void)pthread_cond_broadcast(&ingest->changed);
	return true;
}

static void *writer_main(void *arg)
{
	struct store_ingest *ingest = arg;

	(void)pthread_mutex_lock(&ingest->mutex);
	while (write_job(ingest) || !ingest->stop)
		if (!ingest->job_count && !ingest->stop)
			(void)pthread_cond_wait(&ingest->changed, &ingest->mutex);
	(void)pthread_mutex_unlock(&ingest->mutex);
	return NULL;
}

static int start_writer(struct store_ingest *ingest, struct err *err)
{
	int rc = pthread_create(&ingest->thread, NULL, writer_main, ingest);

	if (rc)
		return err_set(err, -rc, "cannot start the writing thread: %s", strerror(rc));
	ingest->thread_runs = true;
	return ST_OK;
}

static void stop_writer(struct store_ingest *ingest)
{
	if (!ingest->thread_runs)
		return;
	(void)pthread_mutex_lock(&ingest->mutex);
	ingest->stop = true;
	(void)pthread_cond_broadcast(&ingest->changed);
	(void)pthread_mutex_unlock(&ingest->mutex);
	(void)pthread_join(ingest->thread, NULL);
	ingest->thread_runs = false;
	ingest->stop = false;
}

/* The first error of writing; with the mutex. */
static int tell_failure(const struct store_ingest *ingest, struct err *err)
{
	return ingest->failure.code ? err_set(err, ingest->failure.code, "%s", ingest->failure.text)
	                            : ST_OK;
}

/* Waits until at most so many batches are with the writing thread. */
static int await_writer(struct store_ingest *ingest, unsigned batches, struct err *err)
{
	int ret;

	(void)pthread_mutex_lock(&ingest->mutex);
	while (ingest->job_count + ingest->writing > batches)
		(void)pthread_cond_wait(&ingest->changed, &ingest->mutex);
	ret = tell_failure(ingest, err);
	(void)pthread_mutex_unlock(&ingest->mutex);
	return ret;
}

/* Writes what waits beside the writing thread, until nothing is left. */
static int write_rest(struct store_ingest *ingest, struct err *err)
{
	int ret;

	(void)pthread_mutex_lock(&ingest->mutex);
	while (write_job(ingest))
		continue;
	while (ingest->writing)
		(void)pthread_cond_wait(&ingest->changed, &ingest->mutex);
	ret = tell_failure(ingest, err);
	(void)pthread_mutex_unlock(&ingest->mutex);
	return ret;
}

/* Gives a batch to the writing thread (takes ownership). */
static int hand_over(struct store_ingest *ingest, struct batch *batch, struct err *err)
{
	int ret = ST_OK;

	ingest->rows += batch->count;
	if (!ingest->thread_runs)
		ret = start_writer(ingest, err);
	if (ret) {
		batch_free(batch);
		return ret;
	}
	(void)pthread_mutex_lock(&ingest->mutex);
	while (ingest->job_count == INGEST_JOBS_MAX)
		(void)write_job(ingest);
	ingest->jobs[ingest->job_count++] = batch;
	(void)pthread_cond_broadcast(&ingest->changed);
	(void)pthread_mutex_unlock(&ingest->mutex);
	return ST_OK;
}

/* ---- batches -------------------------------------------------------------------------------- */

/* Where the batch of (table, day) is or would be inserted. */
static size_t batch_place(const struct store_ingest *ingest, const struct record_table *table,
    int32_t day)
{
	size_t low = 0;
	size_t high = ingest->batch_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct batch *batch = ingest->batches[middle];

		if (batch->table < table || (batch->table == table && batch->day < day))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct batch *take_spare(struct store_ingest *ingest, const struct record_table *table)
{
	struct batch *batch = NULL;

	if (table != &record_tables[RECORD_TABLE_flow])
		return NULL;
	(void)pthread_mutex_lock(&ingest->mutex);
	batch = ingest->spare;
	ingest->spare = NULL;
	(void)pthread_mutex_unlock(&ingest->mutex);
	return batch;
}

/* The batch for rows of that moment, made when there is none yet; NULL without memory. */
static struct batch *batch_for(struct store_ingest *ingest, enum record_table_id id, int64_t time)
{
	const struct record_table *table = &record_tables[id];
	int32_t day = zone_day(ingest->zone, time);
	struct batch *batch;
	size_t place;

	day = day < 0 ? 0 : day > DAY_MAX ? DAY_MAX : day;
	place = batch_place(ingest, table, day);
	if (place < ingest->batch_count && ingest->batches[place]->table == table
	    && ingest->batches[place]->day == day)
		return ingest->batches[place];
	if (ingest->batch_count == ingest->batch_cap) {
		size_t cap = ingest->batch_cap ? 2 * ingest->batch_cap : 8;
		struct batch **grown = realloc(ingest->batches, cap * sizeof(struct batch *));

		if (!grown)
			return NULL;
		ingest->batches = grown;
		ingest->batch_cap = cap;
	}
	batch = take_spare(ingest, table);
	if (!batch)
		batch = batch_new(table, day);
	if (!batch)
		return NULL;
	batch->day = day;
	batch->from = day == 0 ? INT64_MIN : zone_day_start(ingest->zone, day);
	batch->to = day == DAY_MAX ? INT64_MAX : zone_day_start(ingest->zone, day + 1);
	memmove(&ingest->batches[place + 1], &ingest->batches[place],
	    (ingest->batch_count - place) * sizeof(struct batch *));
	ingest->batches[place] = batch;
	ingest->batch_count++;
	return batch;
}

static int hand_over_at(struct store_ingest *ingest, size_t place, struct err *err)
{
	struct batch *batch = ingest->batches[place];

	memmove(&ingest->batches[place], &ingest->batches[place + 1],
	    (ingest->batch_count - place - 1) * sizeof(struct batch *));
	ingest->batch_count--;
	ingest->buffered -= batch->count;
	ingest->buffered_text -= batch->text_bytes;
	for (size_t i = 0; i < RECORD_TABLE_COUNT; i++)
		if (ingest->last[i] == batch)
			ingest->last[i] = NULL;
	return hand_over(ingest, batch, err);
}

static size_t batch_memory(const struct batch *batch)
{
	return batch->count * batch->table->size + batch->text_bytes;
}

static int hand_over_largest(struct store_ingest *ingest, struct err *err)
{
	size_t place = 0;

	for (size_t i = 1; i < ingest->batch_count; i++)
		if (batch_memory(ingest->batches[i]) > batch_memory(ingest->batches[place]))
			place = i;
	return hand_over_at(ingest, place, err);
}

/* Every table that is ingested begins with its time. */
static int64_t row_time(const uint8_t *row)
{
	int64_t time;

	memcpy(&time, row, sizeof(time));
	return time;
}

static int add_rows(struct store_ingest *ingest, enum record_table_id id, const void *rows,
    size_t count, struct err *err)
{
	const struct record_table *table = &record_tables[id];
	const uint8_t *at = rows;
	int ret = ST_OK;
	size_t segment_text = ingest->live ? SEGMENT_TEXT_MAX_LIVE : SEGMENT_TEXT_MAX;
	size_t buffered_text = ingest->live ? BUFFERED_TEXT_MAX_LIVE : BUFFERED_TEXT_MAX;

	for (size_t done = 0; !ret && done < count;) {
		struct batch *batch = ingest->last[id];
		size_t text_before;
		size_t run = 0;

		while (batch && done + run < count && run < SEGMENT_ROWS_MAX - batch->count) {
			int64_t time = row_time(at + run * table->size);

			if (time < batch->from || time >= batch->to)
				break;
			run++;
		}
		if (!run) {
			ingest->last[id] = batch_for(ingest, id, row_time(at));
			if (!ingest->last[id])
				return err_set(err, -ENOMEM, "out of memory");
			continue;
		}
		text_before = batch->text_bytes;
		if (batch_append(batch, at, run))
			return err_set(err, -ENOMEM, "out of memory");
		ingest->buffered += run;
		ingest->buffered_text += batch->text_bytes - text_before;
		done += run;
		at += run * table->size;
		if (batch->count == SEGMENT_ROWS_MAX || batch->text_bytes >= segment_text)
			ret = hand_over_at(ingest, batch_place(ingest, table, batch->day), err);
		else if (ingest->buffered >= BUFFERED_ROWS_MAX
		    || ingest->buffered_text >= buffered_text)
			ret = hand_over_largest(ingest, err);
	}
	return ret;
}

int ingest_add(struct store_ingest *ingest, enum record_table_id id, const void *rows,
    size_t count, struct err *err)
{
	uint64_t before;
	bool handed;
	int ret;

	(void)pthread_mutex_lock(&ingest->adding);
	before = ingest->rows;
	ret = add_rows(ingest, id, rows, count, err);
	handed = ingest->rows != before;
	(void)pthread_mutex_unlock(&ingest->adding);
	/* Without the lock: others may add rows meanwhile. */
	return !ret && handed ? await_writer(ingest, WITH_WRITER_MAX, err) : ret;
}

static int put_rows(struct store_ingest *ingest, enum record_table_id id, const void *rows,
    size_t count, struct err *err)
{
	return ingest->live ? live_add(ingest, id, rows, count, err)
	                    : ingest_add(ingest, id, rows, count, err);
}

int store_ingest_flow(struct store_ingest *ingest, const struct record_flow *rows, size_t count,
    struct err *err)
{
	return put_rows(ingest, RECORD_TABLE_flow, rows, count, err);
}

int store_ingest_coverage(struct store_ingest *ingest, const struct record_coverage *rows,
    size_t count, struct err *err)
{
	return put_rows(ingest, RECORD_TABLE_coverage, rows, count, err);
}

int store_ingest_rows(struct store_ingest *ingest, enum record_table_id table, const void *rows,
    size_t count, struct err *err)
{
	if (!table_is_ingested(table))
		return err_set(err, ST_USAGE, "rows of the table %s are not ingested",
		    table < RECORD_TABLE_COUNT ? record_tables[table].name : "?");
	return put_rows(ingest, table, rows, count, err);
}

/* ---- beginning and ending ------------------------------------------------------------------- */

static int check_repeat(struct store_ingest *ingest, struct err *err)
{
	int64_t id;
	int ret;

	if (ingest->again || !ingest->sha256[0])
		return ST_OK;
	ret = catalogue_int(ingest->cat, &id, err,
	    "SELECT id FROM ingest WHERE sha256 = ? AND sensor = ? AND id <> ?", "sii",
	    ingest->sha256, (int64_t)ingest->sensor, ingest->id);
	if (ret == ST_NOT_FOUND)
		return ST_OK;
	if (ret)
		return ret;
	return err_set(err, ST_EXISTS,
	    "%s is in the store already (same content, same sensor); --again counts it twice",
	    ingest->name);
}

static int set_sha256(struct store_ingest *ingest, const char *sha256, struct err *err)
{
	if (strlen(sha256) != SHA256_TEXT
	    || strspn(sha256, "0123456789abcdefABCDEF") != SHA256_TEXT)
		return err_set(err, ST_USAGE, "a SHA-256 has 64 hexadecimal digits");
	for (size_t i = 0; i < SHA256_TEXT; i++)
		ingest->sha256[i] = (char)(sha256[i] >= 'A' && sha256[i] <= 'F' ? sha256[i] | 0x20
		                                                               : sha256[i]);
	return check_repeat(ingest, err);
}

void ingest_free(struct store_ingest *ingest)
{
	stop_writer(ingest);
	for (size_t i = 0; i < ingest->batch_count; i++)
		batch_free(ingest->batches[i]);
	free(ingest->batches);
	batch_free(ingest->spare);
	free(ingest->segments);
	free(ingest->name);
	zone_free(ingest->zone);
	(void)pthread_cond_destroy(&ingest->changed);
	(void)pthread_mutex_destroy(&ingest->mutex);
	(void)pthread_mutex_destroy(&ingest->adding);
	free(ingest);
}

int ingest_new(struct store *store, uint16_t sensor, const char *name,
    struct store_ingest **ret_ingest, struct err *err)
{
	struct store_ingest *ingest = calloc(1, sizeof(*ingest));
	pthread_mutexattr_t brief;
	int ret;

	if (!ingest)
		return err_set(err, -ENOMEM, "out of memory");
	ingest->store = store;
	ingest->cat = &store->cat;
	ingest->sensor = sensor;
	/* Held for a microsecond, a million times: who finds it taken looks again before he sleeps. */
	(void)pthread_mutexattr_init(&brief); /* these never fail on Linux */
	(void)pthread_mutexattr_settype(&brief, PTHREAD_MUTEX_ADAPTIVE_NP);
	(void)pthread_mutex_init(&ingest->adding, &brief);
	(void)pthread_mutexattr_destroy(&brief);
	(void)pthread_mutex_init(&ingest->mutex, NULL);
	(void)pthread_cond_init(&ingest->changed, NULL);
	ret = zone_new(zone_name(store->zone), &ingest->zone, err);
	ingest->name = ret ? NULL : strdup(name ? name : "");
	if (!ret && !ingest->name)
		ret = err_set(err, -ENOMEM, "out of memory");
	if (ret) {
		ingest_free(ingest);
		return ret;
	}
	*ret_ingest = ingest;
	return ST_OK;
}

int store_ingest_begin(struct store *store, const struct store_ingest_options *options,
    struct store_ingest **ret_ingest, struct err *err)
{
	struct store_ingest *ingest = NULL;
	int ret;

	if (store->mode != STORE_WRITE)
		return err_set(err, ST_USAGE, "the store %s is open for reading", store->path);
	ret = ingest_new(store, options->sensor, options->name, &ingest, err);
	if (ret)
		return ret;
	ingest->again = options->again;
	if (options->sha256)
		ret = set_sha256(ingest, options->sha256, err);
	if (!ret && options->journal)
		ret = live_start(ingest, err);
	if (ret) {
		ingest_free(ingest);
		return ret;
	}
	*ret_ingest = ingest;
	return ST_OK;
}

int store_ingest_identify(struct store_ingest *ingest, const char *sha256, struct err *err)
{
	return set_sha256(ingest, sha256, err);
}

int ingest_drain(struct store_ingest *ingest, struct err *err)
{
	int ret = ST_OK;

	while (!ret && ingest->batch_count)
		ret = hand_over_at(ingest, ingest->batch_count - 1, err);
	return ret ? ret : write_rest(ingest, err);
}

int ingest_register(struct store_ingest *ingest, struct err *err)
{
	int ret = catalogue_run(ingest->cat, err,
	    "INSERT INTO ingest (sensor, name, sha256, rows, at) VALUES (?, ?, ?, ?, ?)", "issii",
	    (int64_t)ingest->sensor, ingest->name, ingest->sha256[0] ? ingest->sha256 : NULL,
	    (int64_t)ingest->rows, store_now());

	if (!ret)
		ingest->id = sqlite3_last_insert_rowid(ingest->cat->db);
	return ret;
}

/* Names end in numbers that count up, with more digits above 9999. */
static int compare_names(const void *va, const void *vb)
{
	const struct segment *a = va;
	const struct segment *b = vb;
	size_t a_len = strlen(a->name);
	size_t b_len = strlen(b->name);

	return a_len != b_len ? (a_len > b_len) - (a_len < b_len) : strcmp(a->name, b->name);
}

int ingest_list(struct store_ingest *ingest, struct err *err)
{
	int ret = ST_OK;

	if (ingest->segment_count)
		qsort(ingest->segments, ingest->segment_count, sizeof(*ingest->segments),
		    compare_names);
	for (size_t i = 0; !ret && i < ingest->segment_count; i++) {
		ret = segment_list(ingest->cat, &ingest->segments[i], ingest->id, err);
		if (!ret)
			ret = catalogue_run(ingest->cat, err,
			    "INSERT INTO date (day, dirty) VALUES (?, 1) "
			    "ON CONFLICT (day) DO UPDATE SET dirty = 1",
			    "i", (int64_t)ingest->segments[i].day);
	}
	return ret;
}

/* Lists the segments and the ingest in one transaction. */
static int publish(struct store_ingest *ingest, struct err *err)
{
	int ret = catalogue_begin(ingest->cat, err);

	if (ret)
		return ret;
	ret = check_repeat(ingest, err);
	if (!ret)
		ret = ingest_register(ingest, err);
	if (!ret)
		ret = ingest_list(ingest, err);
	return catalogue_end(ingest->cat, ret, err);
}

int store_ingest_commit(struct store_ingest *ingest, struct err *err)
{
	int ret;

	if (ingest->live)
		return live_commit(ingest, err);
	ret = ingest_drain(ingest, err);
	stop_writer(ingest);
	if (ret) {
		store_ingest_abort(ingest);
		return ret;
	}
	ret = publish(ingest, err);
	if (ret == ST_EXISTS)
		store_ingest_abort(ingest);
	else
		ingest_free(ingest); /* a commit that failed in the middle may have happened */
	return ret;
}

void store_ingest_abort(struct store_ingest *ingest)
{
	if (!ingest)
		return;
	if (ingest->live) {
		live_abort(ingest);
		return;
	}
	stop_writer(ingest);
	for (size_t i = 0; i < ingest->segment_count; i++)
		segment_discard(ingest->store->path, &ingest->segments[i]);
	ingest_free(ingest);
}
