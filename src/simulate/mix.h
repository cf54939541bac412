/*
 * What unsolicited traffic is made of: which ports, which tools, which addresses, in shares that
 * resemble what fixed-point observation and darknets published for 2023 to 2025.
 */
#pragma once

#include "simulate/payload.h"
#include "simulate/pick.h"
#include "simulate/shape.h"

struct mix_udp {
	uint16_t port;
	uint8_t payload; /* enum payload_kind */
	uint16_t weight;
};

struct mix {
	struct pick tcp;   /* TCP ports by their place in the table; the first is the long tail */
	struct pick mirai; /* the same for Mirai's ports */
	struct pick udp;
	struct pick shape;
	struct pick tail; /* long tail: Zipf over all 65 536 ports in a scrambled order */
};

/* -ENOMEM, ST_LIMIT.  End with mix_fini, which takes a zeroed mix too. */
ST_MUST_CHECK int mix_init(struct mix *mix);
void mix_fini(struct mix *mix);

/* One destination port for a noise value: the same noise gives the same port. */
uint16_t mix_tcp_port(const struct mix *mix, uint64_t noise);
uint16_t mix_mirai_port(const struct mix *mix, uint64_t noise);

/* Fills port, payload and payload key of a UDP probe. */
void mix_udp_probe(const struct mix *mix, uint64_t source, struct rng *rng, struct packet *p);

/* The port a scanner probes next.  `wide`: it probes them all; else one or a few of its own. */
uint16_t mix_scan_port(const struct mix *mix, enum shape shape, bool wide, uint64_t source,
    uint64_t noise);

enum shape mix_shape(const struct mix *mix, uint64_t noise);

/* A unicast address that may be announced in the Internet and that nobody observes here. */
uint32_t mix_address(uint64_t key);

/* The same inside /8s that a registry historically handed out: a plausible place for an event. */
enum mix_region {
	MIX_ASIA,          /* APNIC */
	MIX_LATIN_AMERICA, /* LACNIC */
	MIX_EUROPE,        /* RIPE NCC */
	MIX_NORTH_AMERICA, /* ARIN */
};
uint32_t mix_address_in(enum mix_region region, uint64_t key);
