/*
 * What the programs that hear the network share: how they begin, their loop, how they end.
 *
 * A worker reads its start file, prepares everything that may fail, confines itself, says so, and
 * begins when the supervisor lets it.  When the store is behind it takes nothing new.
 */
#pragma once

#include "base/buf.h"
#include "config/config.h"
#include "daemon/inspector.h"
#include "daemon/outbox.h"
#include "daemon/start.h"
#include "geo/geo.h"
#include "os/confine.h"
#include "tally/destinations.h"

#define WORKER_TURN_MS 100

struct worker {
	const char *name;
	struct start start;
	struct config *config;
	struct geo *geo;                  /* may be NULL */
	struct destinations destinations; /* the observed addresses */
	struct outbox *outbox;
	struct inspector *inspector;      /* NULL: no rules */
	bool draining; /* the supervisor has started a successor */
	bool stop;     /* nothing is left to do, or asked by a signal */
	int64_t status_us;
};

/* `self` is a struct that begins with its struct worker. */
struct worker_kind {
	const char *name;
	enum os_program program;
	/* Opens what is needed, with the parts of struct worker there; before the confinement. */
	int (*prepare)(void *self, struct err *err);
	/* Its time has come; may be NULL. */
	void (*begin)(void *self);
	/* What else the supervisor says; may be NULL. */
	int (*hear)(void *self, uint16_t type, const uint8_t *body, size_t len);
	/* Waits up to timeout_ms and does what there is to do; worker_hear when START_CONTROL can be
	 * read. */
	int (*turn)(void *self, int timeout_ms);
	/* Each second: coverage and the like, and appends members of a JSON object. */
	void (*status)(void *self, struct buf *b);
	/* A successor is there: takes nothing new from now on.  NULL: the worker ends at once. */
	void (*drain)(void *self);
	/* While draining: is there nothing left? */
	bool (*is_done)(void *self);
	/* Ends what is open; its last rows. */
	void (*end)(void *self);
	bool waits; /* takes nothing new while the store is behind */
};

/* The whole program; never returns. */
_Noreturn void worker_main(const struct worker_kind *kind, struct worker *self, const char *user);

/* Something waits at START_CONTROL. */
int worker_hear(struct worker *worker);
