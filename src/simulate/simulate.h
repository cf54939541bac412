/*
 * Deterministic traffic: the same seed gives the same bytes on every machine.
 *
 * For demonstrations, tests and benchmarks.  It writes capture files and nothing else: no packet
 * ever leaves the machine.  Addresses of sources are drawn from all of IPv4 unicast; they are
 * random numbers, not observations, and every file name and report says "simulated".
 */
#pragma once

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Receives capture file bytes in order; non-zero stops the simulation and is returned. */
typedef int (*simulate_write_fn)(void *arg, const void *data, size_t len);

struct simulate_site {
	uint64_t seed;
	int64_t start_us;       /* first moment */
	unsigned days;
	unsigned sensor;        /* 0-based; which of the sensors' captures to write */
	unsigned sensor_count;
	double scale;           /* 1.0 = the documented volume */
};

/* One sensor's capture of a site with the planted events that the manual lists. */
ST_MUST_CHECK int simulate_site(const struct simulate_site *options, simulate_write_fn write,
    void *arg);

struct simulate_telescope {
	uint64_t seed;
	int64_t start_us;
	uint64_t packets;       /* benchmark: 20 000 000 */
	double seconds;         /* span of the capture */
};

/* The benchmark's /16 telescope: 85 % SYN, 10 % UDP, 5 % backscatter, a million Zipf sources. */
ST_MUST_CHECK int simulate_telescope(const struct simulate_telescope *options,
    simulate_write_fn write, void *arg);
