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

#include <stdbool.h>
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

/* ---- Telescope: the benchmark's /16 ------------------------------------------------------------ */

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

/* ---- Site: a few sensors over days, with planted events ---------------------------------------- */

#define SIMULATE_SENSORS_MAX 16
#define SIMULATE_DAYS_MAX 400
#define SIMULATE_SITE_START_US 1793545200000000ll /* Monday 2026-11-02 00:00 in Tokyo */
/* Scale 1000 = 6 600 packets per day per address, what a dark address saw in 2023 and 2024. */
#define SIMULATE_SCALE_FULL 1000
#define SIMULATE_SCALE_DEMO 200
#define SIMULATE_SCALE_MAX 10000
#define SIMULATE_RATE_FULL 6600

/* One of the site's sensors; all strings live as long as the struct. */
struct simulate_sensor {
	char name[24];  /* "sim-jp-1" */
	char net[32];   /* what --sensor-net takes, "192.0.2.16/30" */
	char net6[32];  /* a second --sensor-net, or "" */
	char country[3];
	uint32_t base;      /* first IPv4 address */
	unsigned addresses; /* IPv4 */
	uint64_t base6_hi;  /* upper half of net6 */
	bool answers;       /* some conversations of an answering host are in its capture */
};

struct simulate_site {
	uint64_t seed;
	int64_t start_us; /* first moment of the first site day */
	unsigned days;    /* 1 … SIMULATE_DAYS_MAX */
	unsigned sensor;  /* 0-based; which of the sensors' captures to write */
	unsigned sensor_count;
	unsigned scale_permille; /* 1 … SIMULATE_SCALE_MAX */
};

/* What was planted in one sensor's capture, and how much of it is really in the file. */
struct simulate_event {
	const char *kind;  /* static, as in the manual: "mirai-growth" … */
	const char *note;  /* static, one sentence */
	const char *ports; /* static, "23/tcp 2323/tcp", "" when there are many or none */
	int64_t start_us;  /* planned, half-open; an outage has no packets in it */
	int64_t end_us;
	uint64_t packets;
	uint32_t source; /* IPv4 address when there is one source, else 0 */
	uint32_t victim; /* IPv4 address of the inferred victim, else 0 */
};

#define SIMULATE_EVENTS_MAX 24

/* ST_USAGE when the sensor does not exist. */
ST_MUST_CHECK int simulate_site_sensor(unsigned sensor_count, unsigned sensor,
    struct simulate_sensor *ret_sensor);

/*
 * Writes one sensor's capture.  ret_totals and ret_events (of SIMULATE_EVENTS_MAX, with
 * *ret_event_count) describe what was written.  ST_USAGE, -ENOMEM, or what write answered.
 */
ST_MUST_CHECK int simulate_site(const struct simulate_site *options, simulate_write_fn write,
    void *arg, struct simulate_totals *ret_totals, struct simulate_event *ret_events,
    size_t *ret_event_count);
