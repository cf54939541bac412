/*
 * Deterministic traffic: the same seed gives the same bytes on every machine.
 *
 * For demonstrations, tests and benchmarks.  It makes capture files and nothing else: no packet
 * ever leaves the machine.  Addresses of sources are drawn from all of IPv4 unicast; they are
 * random numbers, not observations, and every sensor's name says "sim".  Observed addresses are
 * those reserved for documentation (RFC 5737, RFC 3849) and for benchmarks (RFC 2544).
 * Pure computation: no I/O, no clock, no libm; bytes leave through the caller's callback.
 */
#pragma once

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Receives capture file bytes in order; non-zero stops the simulation and is returned. */
typedef int (*simulate_write_fn)(void *arg, const void *data, size_t len);

/* Exact counts of what was written, over inbound packets only where it says so. */
struct simulate_totals {
	uint64_t packets;  /* records in the file */
	uint64_t bytes;    /* bytes of the file */
	uint64_t mirai;    /* SYN with seq == destination */
	uint64_t zmap;     /* SYN with IP ID 54321 */
	uint64_t masscan;  /* SYN with IP ID == (dst ^ dport ^ seq) & 0xffff */
	uint64_t syn;      /* IPv4 and IPv6 TCP with SYN alone */
	uint64_t udp;
	uint64_t icmp;     /* ICMP and ICMPv6 */
	uint64_t outbound; /* sent by observed addresses (answers of captured hosts) */
	uint64_t damaged;  /* ARP, short, later fragments, malformed */
	int64_t first_us;
	int64_t last_us;
};

/* ── Telescope: the benchmark's /16 ─────────────────────────────────────────────────────────── */

#define SIMULATE_TELESCOPE_NET 0xc6120000u /* 198.18.0.0/16 (RFC 2544) */
#define SIMULATE_TELESCOPE_PLEN 16
#define SIMULATE_TELESCOPE_SOURCES (1u << 20)
#define SIMULATE_TELESCOPE_START_US 1794182400000000ll /* 2026-11-09T00:00:00Z */
#define SIMULATE_TELESCOPE_PPS 7500
#define SIMULATE_TELESCOPE_PACKETS 20000000ull

struct simulate_telescope {
	uint64_t seed;
	int64_t start_us;
	uint64_t packets;
	uint32_t packets_per_second; /* 1 … 1 000 000; a real /16 saw about 7 500 in 2024 */
};

/*
 * 85 % SYN, 10 % UDP, 5 % backscatter towards a /16; a million sources after Zipf.  ret_totals
 * may be NULL.  ST_USAGE, -ENOMEM, or what write answered.
 */
ST_MUST_CHECK int simulate_telescope(const struct simulate_telescope *options,
    simulate_write_fn write, void *arg, struct simulate_totals *ret_totals);
