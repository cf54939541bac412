/*
 * Thresholds of attacks and roles: section detect of the configuration, and its defaults for those
 * who read none.
 */
#pragma once

#include "config/config.h"

#include <stdint.h>

struct detect_settings {
	/* Backscatter: packets of an attack at a large network; smaller ones need fewer, in
	 * proportion to the root of their size, but never fewer than the second number. */
	uint64_t backscatter_packets;
	uint64_t backscatter_packets_min;
	uint64_t backscatter_ppm;       /* in the busiest minute, at a large network */
	int64_t backscatter_us;         /* from the first to the last packet, at a large network */
	int64_t backscatter_gap_us;     /* silence that ends an attack */
	uint64_t reflection_packets;
	uint64_t reflection_packets_asked; /* where the request is one that reflectors answer at length */
	uint64_t reflection_ppm;
	int64_t reflection_gap_us;
	uint64_t carpet_packets;        /* of each source at most */
	uint64_t misconfigured_packets; /* to one port of one address … */
	uint32_t misconfigured_hours;   /* … in so many different hours */
	uint32_t backscatter_addresses; /* distinct observed addresses reached */
	uint32_t reflection_repeats;    /* packets to the same address */
	uint32_t carpet_networks; /* that answer from one port in a quarter of an hour */
};

/* The defaults of config.def. */
extern const struct detect_settings detect_settings_default;

/* The settings of a configuration. */
struct detect_settings detect_settings_of(const struct config *config);
