/*
 * Minutes and packets for two other threads; the contract is in relay.h.
 *
 * One lock for all: it is taken a few times for 256 packets and held for a moment.  Who sleeps is
 * woken for several batches at a time: a wake-up takes as long as hundreds of packets.
 */
#include "cmd/relay.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define WAKE_BATCHES (RELAY_BATCHES / 2)
#define FEW_PACKETS 2048u /* whose rows take less time than waking somebody up for them */

struct relay {
	struct relay_options options;
	struct decode_packet *packets; /* RELAY_BATCHES rooms, in turn */
	pthread_t rows_thread;
	pthread_t packets_thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t rows_work;
	pthread_cond_t packets_work;
	pthread_cond_t taken; /* for the first thread */
	bool ending;
	struct tally_minute *minutes[TALLY_MINUTES_OPEN]; /* a ring; the first is in work */
	unsigned first;
	unsigned count;
	int rows_rc; /* the first error: nothing is taken after it */
	size_t packets_since; /* sent since a minute was handed on */
	int (*task)(void *arg); /* NULL: none, or done */
	void *task_arg;
	int task_rc;
	bool packets_asleep; /* packets_work is to be signalled */
	size_t counts[RELAY_BATCHES];
	uint64_t sent; /* batches so far */
	uint64_t done;
	uint64_t awaited; /* the first thread waits until so many are done; 0: it does not */
	int packets_rc;
};

/* ---- the threads; all with the lock, which they leave while they work ------------------------ */

static void take_minute(struct relay *r)
{
	struct tally_minute *minute = r->minutes[r->first];
	int rc = r->rows_rc;

	(void)pthread_mutex_unlock(&r->lock);
	if (!rc)
		rc = tally_minute_emit(minute, r->options.rows, r->options.arg);
	(void)pthread_mutex_lock(&r->lock);
	r->rows_rc = rc;
	r->first = (r->first + 1) % TALLY_MINUTES_OPEN;
	r->count--;
	(void)pthread_cond_signal(&r->taken);
}

static void run_task(struct relay *r)
{
	int rc;

	(void)pthread_mutex_unlock(&r->lock);
	rc = r->task(r->task_arg);
	(void)pthread_mutex_lock(&r->lock);
	r->task_rc = rc;
	r->task = NULL;
	(void)pthread_cond_signal(&r->taken);
}

static void *work_on_rows(void *arg)
{
	struct relay *r = arg;

	(void)pthread_mutex_lock(&r->lock);
	while (!r->ending) {
		if (r->count > 0)
			take_minute(r);
		else if (r->task)
			run_task(r);
		else
			(void)pthread_cond_wait(&r->rows_work, &r->lock);
	}
	(void)pthread_mutex_unlock(&r->lock);
	return NULL;
}

static bool packets_wait(const struct relay *r)
{
	return r->sent - r->done >= WAKE_BATCHES || (r->sent > r->done && r->awaited > r->done);
}

static void take_batch(struct relay *r)
{
	unsigned at = r->done % RELAY_BATCHES;
	size_t count = r->counts[at];
	int rc = r->packets_rc;

	(void)pthread_mutex_unlock(&r->lock);
	if (!rc)
		rc = r->options.packets(r->options.arg, r->packets + at * CAPTURE_BATCH_MAX, count);
	(void)pthread_mutex_lock(&r->lock);
	r->packets_rc = rc;
	r->done++;
	if (r->awaited && r->done >= r->awaited) {
		r->awaited = 0;
		(void)pthread_cond_signal(&r->taken);
	}
}

static void *work_on_packets(void *arg)
{
	struct relay *r = arg;

	(void)pthread_mutex_lock(&r->lock);
	while (!r->ending) {
		if (r->sent > r->done) {
			take_batch(r);
			continue;
		}
		r->packets_asleep = true;
		while (!packets_wait(r) && !r->ending)
			(void)pthread_cond_wait(&r->packets_work, &r->lock);
		r->packets_asleep = false;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static void end_threads(struct relay *r)
{
	(void)pthread_mutex_lock(&r->lock);
	r->ending = true;
	(void)pthread_cond_signal(&r->rows_work);
	(void)pthread_cond_signal(&r->packets_work);
	(void)pthread_mutex_unlock(&r->lock);
	(void)pthread_join(r->rows_thread, NULL);
}

static void free_parts(struct relay *r)
{
	(void)pthread_cond_destroy(&r->taken);
	(void)pthread_cond_destroy(&r->packets_work);
	(void)pthread_cond_destroy(&r->rows_work);
	(void)pthread_mutex_destroy(&r->lock);
	free(r->packets);
	free(r);
}

int relay_new(const struct relay_options *options, struct relay **ret_relay, struct err *err)
{
	struct relay *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return err_set(err, -ENOMEM, "out of memory");
	r->options = *options;
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->rows_work, NULL);
	(void)pthread_cond_init(&r->packets_work, NULL);
	(void)pthread_cond_init(&r->taken, NULL);
	r->packets = aligned_alloc(64, RELAY_BATCHES * CAPTURE_BATCH_MAX * sizeof(*r->packets));
	rc = r->packets ? pthread_create(&r->rows_thread, NULL, work_on_rows, r) : ENOMEM;
	if (!rc) {
		rc = pthread_create(&r->packets_thread, NULL, work_on_packets, r);
		if (rc)
			end_threads(r);
	}
	if (rc) {
		free_parts(r);
		return err_set(err, -rc, "cannot make a thread: %s", st_text(-rc));
	}
	*ret_relay = r;
	return ST_OK;
}

void relay_free(struct relay *r)
{
	if (!r)
		return;
	end_threads(r);
	(void)pthread_join(r->packets_thread, NULL);
	free_parts(r);
}

/* ---- minutes -------------------------------------------------------------------------------- */

static void hand(void *arg, struct tally_minute *minute)
{
	struct relay *r = arg;
	bool here;

	(void)pthread_mutex_lock(&r->lock);
	here = r->packets_since < FEW_PACKETS && r->count == 0 && !r->rows_rc;
	r->packets_since = 0;
	if (!here) {
		r->minutes[(r->first + r->count++) % TALLY_MINUTES_OPEN] = minute;
		(void)pthread_cond_signal(&r->rows_work);
	}
	(void)pthread_mutex_unlock(&r->lock);
	/* The other thread has no minute, so it leaves the rows and their error alone. */
	if (here)
		r->rows_rc = tally_minute_emit(minute, r->options.rows, r->options.arg);
}

static bool is_waiting(const struct relay *r, const struct tally_minute *minute)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->minutes[(r->first + i) % TALLY_MINUTES_OPEN] == minute)
			return true;
	return false;
}

static int settle_minute(void *arg, const struct tally_minute *minute, bool wait)
{
	struct relay *r = arg;
	int rc;

	(void)pthread_mutex_lock(&r->lock);
	while (wait && is_waiting(r, minute))
		(void)pthread_cond_wait(&r->taken, &r->lock);
	rc = is_waiting(r, minute) ? -EAGAIN : r->rows_rc;
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

const struct tally_relay relay_calls = {hand, settle_minute};

/* ---- packets -------------------------------------------------------------------------------- */

static void wake_for_packets(struct relay *r)
{
	if (r->packets_asleep && packets_wait(r))
		(void)pthread_cond_signal(&r->packets_work);
}

/* With the lock. */
static void await(struct relay *r, uint64_t batches)
{
	while (r->done < batches) {
		r->awaited = batches;
		wake_for_packets(r);
		(void)pthread_cond_wait(&r->taken, &r->lock);
	}
}

struct decode_packet *relay_room(struct relay *r)
{
	unsigned at;

	(void)pthread_mutex_lock(&r->lock);
	if (r->sent - r->done == RELAY_BATCHES)
		await(r, r->sent - WAKE_BATCHES);
	at = r->sent % RELAY_BATCHES;
	(void)pthread_mutex_unlock(&r->lock);
	return r->packets + at * CAPTURE_BATCH_MAX;
}

int relay_send(struct relay *r, size_t count)
{
	int rc;

	(void)pthread_mutex_lock(&r->lock);
	r->counts[r->sent++ % RELAY_BATCHES] = count;
	r->packets_since += count;
	wake_for_packets(r);
	rc = r->packets_rc;
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

void relay_settle(void *arg, uint64_t batches)
{
	struct relay *r = arg;

	(void)pthread_mutex_lock(&r->lock);
	await(r, batches);
	(void)pthread_mutex_unlock(&r->lock);
}

int relay_drain(struct relay *r)
{
	int rc;

	(void)pthread_mutex_lock(&r->lock);
	await(r, r->sent);
	rc = r->packets_rc;
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

/* ---- a task --------------------------------------------------------------------------------- */

void relay_begin(struct relay *r, int (*task)(void *arg), void *arg)
{
	(void)pthread_mutex_lock(&r->lock);
	r->task = task;
	r->task_arg = arg;
	(void)pthread_cond_signal(&r->rows_work);
	(void)pthread_mutex_unlock(&r->lock);
}

int relay_finish(struct relay *r)
{
	int rc;

	(void)pthread_mutex_lock(&r->lock);
	while (r->task)
		(void)pthread_cond_wait(&r->taken, &r->lock);
	rc = r->task_rc;
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}
