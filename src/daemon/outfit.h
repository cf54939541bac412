/*
 * What each kind of worker is started with: its start file (start.h), its descriptors, its user.
 */
#pragma once

#include "daemon/supervisor.h"

#include <sys/types.h>

/* How many sockets somebody answers at. */
size_t outfit_sockets(const struct supervisor *s, enum start_owner owner);

/* Does it read along by signatures? */
bool outfit_inspects(const struct supervisor *s, enum post_kind kind);

/* Starts one, with its end of the channel. */
ST_MUST_CHECK int outfit_start(struct supervisor *s, enum post_kind kind, int control,
    pid_t *ret_pid, struct err *err);
