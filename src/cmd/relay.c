/* Minutes for a second thread; the contract is in relay.h. */
#include "cmd/relay.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct relay {
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	tally_sink_fn sink;
	void *arg;
	struct tally_minute *minutes[TALLY_MINUTES_OPEN]; /* a ring; the first is in work */
	unsigned first;
	unsigned count;
	bool ending;
	int rc; /* the sink's first error: nothing is taken after it */
};

static void *work(void *arg)
{
	struct relay *r = arg;

	(void)pthread_mutex_lock(&r->lock);
	for (;;) {
		struct tally_minute *minute;
		int rc;

		while (r->count == 0 && !r->ending)
			(void)pthread_cond_wait(&r->changed, &r->lock);
		if (r->ending)
			break;
		minute = r->minutes[r->first];
		rc = r->rc;
		(void)pthread_mutex_unlock(&r->lock);
		if (!rc)
			rc = tally_minute_emit(minute, r->sink, r->arg);
		(void)pthread_mutex_lock(&r->lock);
		r->rc = rc;
		r->first = (r->first + 1) % TALLY_MINUTES_OPEN;
		r->count--;
		(void)pthread_cond_broadcast(&r->changed);
	}
	(void)pthread_mutex_unlock(&r->lock);
	return NULL;
}

int relay_new(tally_sink_fn sink, void *arg, struct relay **ret_relay, struct err *err)
{
	struct relay *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return err_set(err, -ENOMEM, "out of memory");
	r->sink = sink;
	r->arg = arg;
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->changed, NULL);
	rc = pthread_create(&r->thread, NULL, work, r);
	if (rc) {
		(void)pthread_cond_destroy(&r->changed);
		(void)pthread_mutex_destroy(&r->lock);
		free(r);
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
	(void)pthread_cond_broadcast(&r->changed);
	(void)pthread_mutex_unlock(&r->lock);
	(void)pthread_join(r->thread, NULL);
	(void)pthread_cond_destroy(&r->changed);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}

static void hand(void *arg, struct tally_minute *minute)
{
	struct relay *r = arg;

	(void)pthread_mutex_lock(&r->lock);
	r->minutes[(r->first + r->count++) % TALLY_MINUTES_OPEN] = minute;
	(void)pthread_cond_broadcast(&r->changed);
	(void)pthread_mutex_unlock(&r->lock);
}

static bool is_waiting(const struct relay *r, const struct tally_minute *minute)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->minutes[(r->first + i) % TALLY_MINUTES_OPEN] == minute)
			return true;
	return false;
}

static int settle(void *arg, const struct tally_minute *minute, bool wait)
{
	struct relay *r = arg;
	int rc;

	(void)pthread_mutex_lock(&r->lock);
	while (wait && is_waiting(r, minute))
		(void)pthread_cond_wait(&r->changed, &r->lock);
	rc = is_waiting(r, minute) ? -EAGAIN : r->rc;
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

const struct tally_relay relay_calls = {hand, settle};
