/*
 * A part of the work on a thread of its own, with a store of its own; the contract is in store.h.
 *
 * What both threads use: DuckDB's instance (which is made for that), settings that nobody changes, and
 * the judgements in its memory (judged.h), which the lock guards.  Everything else (catalogue, zone,
 * results) each has for itself, so that there is nothing to forget to lock.  Whatever is made at
 * first use is made before the thread starts.
 */
#include "store/internal.h"

#include "store/judged.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct store_beside {
	struct store store;
	store_part *part;
	void *arg;
	pthread_t thread;
	bool threaded;
	int ret;
	struct err err;
};

static void *run_part(void *arg)
{
	struct store_beside *beside = arg;

	beside->ret = beside->part(beside->arg, &beside->store, &beside->err);
	return NULL;
}

static void beside_free(struct store_beside *beside)
{
	query_end(&beside->store);
	catalogue_close(&beside->store.cat);
	zone_free(beside->store.zone);
	free(beside);
}

int store_beside_begin(struct store *store, store_part *part, void *arg,
    struct store_beside **ret_beside, struct err *err)
{
	struct store *owner = store_owner(store);
	struct store_beside *beside = calloc(1, sizeof(*beside));
	int ret;

	if (!beside)
		return err_set(err, -ENOMEM, "out of memory");
	beside->part = part;
	beside->arg = arg;
	beside->store = (struct store){.owner = owner, .path = owner->path, .mode = STORE_READ,
	    .lock_fd = -1};
	ret = catalogue_open(&beside->store.cat, owner->path, false, NULL, err);
	if (!ret)
		ret = zone_new(zone_name(owner->zone), &beside->store.zone, err);
	if (!ret)
		ret = query_prepare(owner, err);
	if (ret) {
		beside_free(beside);
		return ret;
	}
	beside->threaded = pthread_create(&beside->thread, NULL, run_part, beside) == 0;
	if (!beside->threaded)
		(void)run_part(beside); /* without a thread to be had it takes longer, no more */
	*ret_beside = beside;
	return ST_OK;
}

int store_beside_end(struct store_beside *beside, struct err *err)
{
	int ret;

	if (!beside)
		return ST_OK;
	if (beside->threaded)
		(void)pthread_join(beside->thread, NULL); /* it is ours and joined once */
	ret = beside->ret;
	if (ret && err)
		*err = beside->err;
	beside_free(beside);
	return ret;
}
