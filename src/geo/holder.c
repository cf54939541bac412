/*
 * A table that can be swapped under its readers; the contract is in geo.h.
 *
 * One lock guards the current table and every table's count of readers; it is taken twice per batch
 * of packets, never per lookup.
 */
#include "geo/geo.h"
#include "geo/handle.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct geo_holder {
	pthread_mutex_t lock;
	struct geo *current;
};

int geo_holder_new(struct geo_holder **ret_holder)
{
	struct geo_holder *holder = calloc(1, sizeof(*holder));
	int ret;

	if (!holder)
		return -ENOMEM;
	ret = pthread_mutex_init(&holder->lock, NULL);
	if (ret != 0) {
		free(holder);
		return -ret;
	}
	*ret_holder = holder;
	return ST_OK;
}

void geo_holder_swap(struct geo_holder *holder, struct geo *geo_take)
{
	struct geo *old;

	(void)pthread_mutex_lock(&holder->lock);
	old = holder->current;
	holder->current = geo_take;
	if (old) {
		old->retired = true;
		if (old->readers > 0)
			old = NULL; /* its last reader closes it */
	}
	(void)pthread_mutex_unlock(&holder->lock);
	geo_close(old);
}

struct geo *geo_holder_acquire(struct geo_holder *holder)
{
	struct geo *geo;

	(void)pthread_mutex_lock(&holder->lock);
	geo = holder->current;
	if (geo)
		geo->readers++;
	(void)pthread_mutex_unlock(&holder->lock);
	return geo;
}

void geo_holder_release(struct geo_holder *holder, struct geo *geo)
{
	bool last;

	if (!geo)
		return;
	(void)pthread_mutex_lock(&holder->lock);
	geo->readers--;
	last = geo->retired && geo->readers == 0;
	(void)pthread_mutex_unlock(&holder->lock);
	if (last)
		geo_close(geo);
}

void geo_holder_free(struct geo_holder *holder)
{
	if (!holder)
		return;
	geo_close(holder->current);
	(void)pthread_mutex_destroy(&holder->lock);
	free(holder);
}
