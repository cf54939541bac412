/*
 * How a worker takes over: it says that it is prepared, and waits until nobody is in its way.
 */
#pragma once

#include "base/status.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* With the number of rules in use.  *ret_begun is false when a signal (which sets *stop) came first;
 * ST_NOT_FOUND when the supervisor is gone. */
ST_MUST_CHECK int await_turn(uint32_t rules, const volatile sig_atomic_t *stop, bool *ret_begun,
    struct err *err);
