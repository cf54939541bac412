/*
 * Retro-hunt: signatures of today on what visitors sent before there were any.
 *
 * Sessions keep their first bytes; those are said again to the engine, one session after the other,
 * as if a responder heard them.
 */
#pragma once

#include "cmd/inspection.h"
#include "cmd/window.h"

#define HUNT_ROWS_MAX 100000u /* of a listing */

struct hunt_options {
	const struct command *self;
	const struct command_common *common;
	const struct window_options *window;
	struct inspection_options rules; /* problem, alert and arg are the hunt's */
	const uint32_t *sids;            /* to look for; none: all */
	size_t sid_count;
};

/* Prints what matched; an exit status. */
int hunt_run(const struct hunt_options *options);
