/*
 * Files below the tables' folders that the catalogue does not list.
 */
#pragma once

#include "base/status.h"
#include "store/internal.h"

/* Calls found for the path of each such file. */
ST_MUST_CHECK int sweep_strangers(struct store *store,
    void (*found)(void *arg, const char *path), void *arg, struct err *err);

/* Removes them: what a crash left behind.  Only while the lock is held and nothing is written. */
ST_MUST_CHECK int sweep_remove(struct store *store, struct err *err);
