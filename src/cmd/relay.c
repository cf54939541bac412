/*
 * Minutes and packets for a second thread; the contract is in relay.h.
 *
 * Who sleeps is woken for several batches at a time: a wake-up takes as long as ten packets.  The
 * first thread sleeps only while the second is at the packets, or at the rows of the minute that
 * the first needs, and there are no packets to take.
 */
#include "cmd/relay.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define WAKE_BATCHES (RELAY_BATCHES / 2)
#define FEW_PACKETS 2048u /* whose rows take less time than waking somebody up for them */

struct relay {
	pthread_t thread;
	struct relay_options options;
	struct decode_packet *packets; /* RELAY_BATCHES rooms, in turn */
	size_t counted; /* packets since a minute was handed on; the first thread's */
	pthread_mutex_t lock;          /* of all below */
	pthread_cond_t work;           /* for the second thread */
	pthread_cond_t taken;          /* for the first */
	bool asleep;                   /* the second thread: `work` is to be signalled */
	bool ending;
	struct tally_minute *minutes[TALLY_MINUTES_OPEN]; /* a ring; the first is in work */
	unsigned first;
	unsigned count;
	int rows_rc; /* the first error: nothing is taken after it */
	size_t counts[RELAY_BATCHES];
	uint64_t sent; /* batches so far */
	uint64_t done;
	uint64_t awaited; /* the first thread waits until so many are done */
	bool in_packets; /* one of the two is at work on the first batch that is not done */
	int packets_rc;
	int (*task)(void *arg); /* NULL: none, or done */
	void *task_arg;
	int task_rc;
};

static bool has_work(const struct relay *r)
{
	return r->ending || r->count > 0 || r->task
	    || (r->sent - r->done >= WAKE_BATCHES && !r->in_packets);
}

static void wake(struct relay *r)
{
	if (r->asleep && has_work(r))
		(void)pthread_cond_signal(&r->work);
}

/* Takes the next batch, if there is one and the other thread is not at one; with the lock. */
static bool take_packets(struct relay *r)
{
	unsigned at = r->done % RELAY_BATCHES;
	size_t count = r->counts[at];
	int rc = r->packets_rc;

	if (r->sent == r->done || r->in_packets)
		return false;
	r->in_packets = true;
	(void)pthread_mutex_unlock(&r->lock);
	if (!rc)
		rc = r->options.packets(r->options.arg, r->packets + at * CAPTURE_BATCH_MAX, count);
	(void)pthread_mutex_lock(&r->lock);
	r->in_packets = false;
	r->packets_rc = rc;
	r->done++;
	if (r->awaited && r->done >= r->awaited) {
		r->awaited = 0;
		(void)pthread_cond_signal(&r->taken);
	}
	return true;
}

/* With the lock. */
static void take_minute(struct relay *r)
{
	struct tally_minute *minute = r->minutes[r->first];
	int rc = r->rows_rc;

	if (r->sent > r->done)
		(void)pthread_cond_signal(&r->taken); /* the first may take those, if it waits */
	(void)pthread_mutex_unlock(&r->lock);
	if (!rc)
		rc = tally_minute_emit(minute, r->options.rows, r->options.arg);
	(void)pthread_mutex_lock(&r->lock);
	r->rows_rc = rc;
	r->first = (r->first + 1) % TALLY_MINUTES_OPEN;
	r->count--;
	(void)pthread_cond_signal(&r->taken);
}

/* With the lock. */
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

static void *work(void *arg)
{
	struct relay *r = arg;

	(void)pthread_mutex_lock(&r->lock);
	while (!r->ending) {
		if (r->count > 0) {
			take_minute(r);
		} else if (take_packets(r)) {
			continue;
		} else if (r->task) {
			run_task(r);
		} else {
			r->asleep = true;
			while (!has_work(r))
				(void)pthread_cond_wait(&r->work, &r->lock);
			r->asleep = false;
		}
	}
	(void)pthread_mutex_unlock(&r->lock);
	return NULL;
}

static void free_parts(struct relay *r)
{
	(void)pthread_cond_destroy(&r->taken);
	(void)pthread_cond_destroy(&r->work);
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
	(void)pthread_cond_init(&r->work, NULL);
	(void)pthread_cond_init(&r->taken, NULL);
	r->packets = aligned_alloc(64, RELAY_BATCHES * CAPTURE_BATCH_MAX * sizeof(*r->packets));
	rc = r->packets ? pthread_create(&r->thread, NULL, work, r) : ENOMEM;
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
	(void)pthread_mutex_lock(&r->lock);
	r->ending = true;
	wake(r);
	(void)pthread_mutex_unlock(&r->lock);
	(void)pthread_join(r->thread, NULL);
	free_parts(r);
}

/* ---- minutes -------------------------------------------------------------------------------- */

void relay_counted(struct relay *r, size_t packets)
{
	r->counted += packets;
}

static void hand(void *arg, struct tally_minute *minute)
{
	struct relay *r = arg;
	bool here;

	(void)pthread_mutex_lock(&r->lock);
	here = r->counted < FEW_PACKETS && r->count == 0 && !r->rows_rc;
	r->counted = 0;
	if (!here) {
		r->minutes[(r->first + r->count++) % TALLY_MINUTES_OPEN] = minute;
		wake(r);
	}
	(void)pthread_mutex_unlock(&r->lock);
	/* The other thread has no minute, so it leaves the rows alone. */
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
		if (!take_packets(r))
			(void)pthread_cond_wait(&r->taken, &r->lock);
	rc = is_waiting(r, minute) ? -EAGAIN : r->rows_rc;
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

const struct tally_relay relay_calls = {hand, settle_minute};

/* ---- packets -------------------------------------------------------------------------------- */

/* With the lock. */
static void await(struct relay *r, uint64_t batches)
{
	while (r->done < batches) {
		if (take_packets(r))
			continue;
		r->awaited = batches;
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
	wake(r);
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
	wake(r);
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
