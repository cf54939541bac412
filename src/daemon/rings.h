/*
 * The supervisor's packet rings: opened here, read by the capture workers, one each.
 *
 * The sockets stay open here for as long as the interface is the same, so the kernel's dealing of
 * visitors to rings does not change when a worker dies: its ring waits for its successor.
 */
#pragma once

#include "capture/fanout.h"
#include "config/config.h"
#include "os/link.h"

struct rings {
	unsigned count; /* 0: nothing is captured */
	int fds[FANOUT_RINGS_MAX];
	int link;       /* readable when an interface has changed; -1 */
	enum os_link_state state;
	unsigned index; /* of the interface */
	bool shared;    /* packets are dealt out, or there is one ring only */
	uint32_t seed;
};

/* How many rings the configuration asks for, on this machine; 0 without an interface. */
unsigned rings_wanted(const struct config *config);

/* The seed decides which visitor goes where; the interface may be down. */
ST_MUST_CHECK int rings_open(struct rings *rings, const struct config *config, uint32_t seed,
    struct err *err);

/* Can packets come?  Else that time is not observed. */
bool rings_hear(const struct rings *rings);

/* The configuration was read again: its addresses decide from now on who is a visitor. */
ST_MUST_CHECK int rings_reconfigure(const struct rings *rings, const struct config *config,
    struct err *err);

enum rings_change {
	RINGS_SAME,
	RINGS_LINK, /* up, down or gone: the workers are to be told */
	RINGS_NEW,  /* other sockets (and maybe another state): the workers need successors */
};

/* Something was to be read at `link`: what has happened is said and made good. */
enum rings_change rings_look(struct rings *rings, const struct config *config,
    void (*say)(const char *line));
