/*
 * Packets from a network interface: the kernel's AF_PACKET ring (TPACKET_V3), or several of them
 * among which the kernel deals out visitors (PACKET_FANOUT, fanout.h).
 *
 * Opened by a program that may (CAP_NET_RAW), mapped and read by one that may nothing else.  What an
 * interface sends is delivered too (answers tell follow-ups from backscatter); on a loopback
 * interface only one of the two copies is.  Documentation/networking/packet_mmap.rst.
 */
#pragma once

#include "capture/capture.h"
#include "capture/fanout.h"

#define RING_BLOCK_SIZE (512u << 10)
#define RING_BLOCKS_DEFAULT 16u
#define RING_BLOCKS_MAX 4096u
#define RING_RETIRE_MS 60 /* a block that is not full is handed over after so long */

struct ring_options {
	const char *interface;
	const char *filter; /* libpcap expression, "" for none; runs in the kernel */
	unsigned blocks;    /* of each, a power of two, at most RING_BLOCKS_MAX; 0: the default */
	struct fanout_options fanout; /* rings: 0 and 1 are one, and the rest is not asked for */
};

/*
 * Opens as many sockets as there are rings, each with its own, on the interface; it may be down and
 * come up later.  One takes packets at once, several when they are shared out.
 * ST_NOT_FOUND: there is no such interface; ST_USAGE: the filter; -EPERM.
 */
ST_MUST_CHECK int ring_open(const struct ring_options *options, int *ret_fds, struct err *err);

/*
 * Joins several rings to a group among which packets are dealt out: each packet goes to one of
 * them.  Once, with the interface up: many kernels do not let sockets join before.  After that it
 * may go down and up; the kernel takes the group along.  After an error the sockets are
 * useless: open others.
 */
ST_MUST_CHECK int ring_share(const struct ring_options *options, const int *fds, struct err *err);

/* Deals packets of such a group out by other networks from now on; any of its sockets will do. */
ST_MUST_CHECK int ring_deal(const struct ring_options *options, int fd, struct err *err);

struct ring;

/* Maps the ring of such a socket, which stays the caller's. */
ST_MUST_CHECK int ring_map(int fd, struct ring **ret_ring, struct err *err);
void ring_free(struct ring *ring);

/* Clears the error of an interface that went down, which else would end every wait at once. */
void ring_recover(struct ring *ring);

/* Delivers up to max packets that are there, in order; valid until the next call.  0: none now,
 * poll the socket. */
size_t ring_next(struct ring *ring, struct capture_packet *ret_packets, size_t max);

struct ring_drops {
	uint64_t received; /* packets that passed the filter, the lost ones included */
	uint64_t dropped;  /* lost because the ring was full */
};

/* Sums since ring_map. */
struct ring_drops ring_drops(struct ring *ring);
