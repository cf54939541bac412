/*
 * The control socket: how `teiten sensor status` and `teiten sensor tail` ask a running sensor.
 *
 * A Unix socket beside the records, for its owner only.  A client writes one line, "status" or
 * "tail", and reads JSON lines until the end.
 */
#pragma once

#include "base/buf.h"
#include "base/status.h"

#include <poll.h>
#include <stdbool.h>

#define CONTROL_SOCKET "sensor.sock"
#define CONTROL_CLIENTS_MAX 16
#define CONTROL_POLLS_MAX (1 + CONTROL_CLIENTS_MAX)

struct control;

/* Replaces a socket that a crash left.  status appends one JSON line; tail is told whether anybody
 * listens. */
ST_MUST_CHECK int control_open(const char *path, void (*status)(void *arg, struct buf *b),
    void (*tail)(void *arg, bool wanted), void *arg, struct control **ret_control, struct err *err);
void control_close(struct control *control);

/* Fills what to wait for; returns how many (≤ CONTROL_POLLS_MAX). */
size_t control_polls(const struct control *control, struct pollfd *polls);
/* The same array after poll. */
void control_turn(struct control *control, const struct pollfd *polls);

/* A line for those who listen; one who does not read misses lines. */
void control_tail(struct control *control, const char *line, size_t len);
