/*
 * The blobs below payload/, for those who look after a store; putting one is in store.h.
 */
#pragma once

#include "store/internal.h"

/* Calls found for each file below payload/ab/ that is not a blob under its own name. */
ST_MUST_CHECK int payload_strangers(struct store *store,
    void (*found)(void *arg, const char *path), void *arg, struct err *err);

/* Unpacks every blob and calls wrong for those that are not what their name says. */
ST_MUST_CHECK int payload_verify(struct store *store,
    void (*wrong)(void *arg, const char *path, const char *what), void *arg, struct err *err);

/*
 * Removes the blobs that no payload row of site day `before` or later mentions and that were not
 * written since; calls gone for each with its size.  dry_run only calls.
 */
ST_MUST_CHECK int payload_prune(struct store *store, int32_t before, bool dry_run,
    void (*gone)(void *arg, const char *path, uint64_t bytes), void *arg, struct err *err);
