/*
 * The state of a network interface, and a descriptor that tells when to look at it again.
 */
#pragma once

#include "base/status.h"

enum os_link_state {
	OS_LINK_GONE, /* there is no such interface */
	OS_LINK_DOWN, /* switched off, or nothing is plugged in: no packet can come */
	OS_LINK_UP,
};

/* Opens a non-blocking descriptor, closed on exec, that can be read when some interface has
 * changed. */
ST_MUST_CHECK int os_link_watch(int *ret_fd, struct err *err);

/* Takes off what made it readable. */
void os_link_seen(int fd);

/* *ret_index: which one it is; one made anew has the name but another index.  0 when gone. */
enum os_link_state os_link_look(const char *name, unsigned *ret_index);
