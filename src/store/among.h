/*
 * The function among() of questions: long lists of numbers to look for in a column.  Private to
 * store/; what callers see is store_among_begin in store.h.
 */
#pragma once

#include "store/engine.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define AMONG_LISTS_MAX 64 /* at a time, of all threads */

struct among_list;

/* The lists of a store and of those beside it, by their numbers. */
struct among {
	_Atomic(struct among_list *) lists[AMONG_LISTS_MAX];
};

/* Makes the function known to the engine; among lives as long as that. */
ST_MUST_CHECK int among_register(struct among *among, struct engine *engine, struct err *err);

/* Frees lists that nobody ended. */
void among_fini(struct among *among);
