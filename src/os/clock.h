/*
 * The only clock.  Programs read it at the top and hand times down as parameters; layers that
 * compute (decode, tally, report …) never include this.
 */
#pragma once

#include <stdint.h>

/* Microseconds since 1970-01-01 UTC. */
int64_t os_clock_now_us(void);

/* Microseconds since some moment in the past; never goes back.  For durations only. */
int64_t os_clock_monotonic_us(void);
