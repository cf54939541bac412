/*
 * The sockets that a configuration asks for: which ports of which addresses answer.
 */
#pragma once

#include "config/config.h"
#include "daemon/start.h"

#define SOCKETS_MAX 4000

struct sockets {
	struct start_socket list[SOCKETS_MAX];
	struct ip addresses[SOCKETS_MAX];
	int fds[SOCKETS_MAX];
	size_t count;
	size_t failed; /* those that could not be opened; each was said */
};

/* Is what the configuration asks for there at all?  Before anything is opened.  ST_USAGE. */
ST_MUST_CHECK int sockets_check(const struct config *config, struct err *err);

/*
 * Opens them, or takes those of `old` (may be NULL) that are the same out of there: a port that stays
 * is never closed, and one that a worker still holds could not be opened twice.  At the start (no
 * `old`) it waits some seconds for ports that a predecessor is still giving up.  A port that stays
 * taken (by the machine's own sshd, say) is said and left out; it is an error when none could be
 * opened though some were asked for, and `old` keeps all it had then.
 */
ST_MUST_CHECK int sockets_open(const struct config *config,
    void (*say)(const char *line), struct sockets *old, struct sockets *ret_sockets, struct err *err);

/* Are there answering IPv6 networks that nobody assigns address by address? */
bool sockets_routed(const struct config *config);
void sockets_close(struct sockets *sockets);
