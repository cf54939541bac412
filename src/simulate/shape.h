/*
 * How the SYN of a tool or an operating system looks: the header shapes that tell visitors apart.
 *
 * Shapes follow the tools' own code: Mirai's scanner.c (2016), masscan up to 1.3.2 and its head
 * since 2023-11-07, ZMap up to 2.x, 3.x/4.0 and since 4.1, nmap's raw SYN scan; operating systems
 * as in p0f's and later databases.
 */
#pragma once

#include "simulate/packet.h"
#include "simulate/rng.h"

enum shape {
	SHAPE_MIRAI,
	SHAPE_MASSCAN_OLD,
	SHAPE_MASSCAN,
	SHAPE_ZMAP_OLD,
	SHAPE_ZMAP_3,
	SHAPE_ZMAP_41,
	SHAPE_NMAP,
	SHAPE_RAW, /* stateless scanners of no known make: no options */
	SHAPE_LINUX,
	SHAPE_LINUX_3,
	SHAPE_LINUX_OLD,
	SHAPE_WINDOWS,
	SHAPE_WINDOWS_7,
	SHAPE_ANDROID,
	SHAPE_COUNT,
};

/*
 * Fills what the shape decides of a SYN from p->src to p->dst:p->dport: flags, seq, sport, window,
 * options, IP ID, TTL, DF.  `source` is noise that is constant for the source (its own port, its
 * distance, its window where the tool keeps one); rng gives what changes from packet to packet.
 */
void shape_syn(enum shape shape, uint64_t source, struct rng *rng, struct packet *p);

/* Whether the sender's kernel repeats an unanswered SYN. */
bool shape_retransmits(enum shape shape);
