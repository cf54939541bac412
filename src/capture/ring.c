/* The kernel's packet ring; the contract is in ring.h. */
#include "capture/ring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_SIZE 2048u
#define SNAP_LEN 65535
#define LINKTYPE_ETHERNET 1
#define LINKTYPE_RAW 101
#ifndef ARPHRD_NONE
#define ARPHRD_NONE 0xfffe /* tun devices */
#endif

struct ring {
	int fd;
	uint8_t *map;
	size_t size;
	unsigned blocks;
	unsigned current;
	struct tpacket3_hdr *next; /* in the current block; NULL: the block is not ours yet */
	uint32_t left;
	bool done;                 /* the current block is to be given back */
	bool placed;               /* current is where the kernel is, or was */
	uint16_t linktype;
	bool loopback;
	struct ring_drops drops;
};

static int attach_filter(int fd, const char *expression, uint16_t linktype, struct err *err)
{
	struct bpf_program program;
	struct sock_fprog kernel;
	pcap_t *dead;
	int rc = ST_OK;

	if (!expression || !expression[0])
		return ST_OK;
	dead = pcap_open_dead(linktype == LINKTYPE_RAW ? DLT_RAW : DLT_EN10MB, SNAP_LEN);
	if (!dead)
		return err_set(err, -ENOMEM, "out of memory");
	if (pcap_compile(dead, &program, expression, 1, PCAP_NETMASK_UNKNOWN) != 0) {
		rc = err_set(err, ST_USAGE, "capture.filter: %s", pcap_geterr(dead));
		pcap_close(dead);
		return rc;
	}
	kernel.len = (unsigned short)program.bf_len;
	kernel.filter = (struct sock_filter *)(void *)program.bf_insns; /* the same structure */
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &kernel, sizeof(kernel)) != 0)
		rc = err_set(err, -errno, "capture.filter: the kernel refuses it: %s", st_text(-errno));
	pcap_freecode(&program);
	pcap_close(dead);
	return rc;
}

/* Which kind of frames the interface gives; tells whether it is the loopback. */
static int link_of(int fd, const char *interface, uint16_t *ret_linktype, bool *ret_loopback,
    struct err *err)
{
	struct ifreq request;

	memset(&request, 0, sizeof(request));
	if (strlen(interface) >= sizeof(request.ifr_name))
		return err_set(err, ST_NOT_FOUND, "%s: there is no such interface", interface);
	memcpy(request.ifr_name, interface, strlen(interface));
	if (ioctl(fd, SIOCGIFHWADDR, &request) != 0)
		return err_set(err, errno == ENODEV ? ST_NOT_FOUND : -errno, "%s: %s", interface,
		    errno == ENODEV ? "there is no such interface" : st_text(-errno));
	*ret_loopback = request.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
	switch (request.ifr_hwaddr.sa_family) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		*ret_linktype = LINKTYPE_ETHERNET;
		return ST_OK;
	case ARPHRD_NONE:
	case ARPHRD_PPP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
		*ret_linktype = LINKTYPE_RAW;
		return ST_OK;
	default:
		return err_set(err, ST_UNSUPPORTED, "%s: frames of its kind (%u) are not read", interface,
		    request.ifr_hwaddr.sa_family);
	}
}

static int make_ring(int fd, unsigned blocks, struct err *err)
{
	int version = TPACKET_V3;
	struct tpacket_req3 request = {
		.tp_block_size = RING_BLOCK_SIZE,
		.tp_block_nr = blocks,
		.tp_frame_size = FRAME_SIZE,
		.tp_frame_nr = RING_BLOCK_SIZE / FRAME_SIZE * blocks,
		.tp_retire_blk_tov = RING_RETIRE_MS,
	};

	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) != 0
	    || setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) != 0)
		return err_set(err, -errno, "cannot make a packet ring: %s", st_text(-errno));
	return ST_OK;
}

/* Without a protocol nothing is taken yet, but which interface it is can be asked of the socket. */
static int bind_to(int fd, const char *interface, uint16_t protocol, struct err *err)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = (int)if_nametoindex(interface),
	};

	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return err_set(err, -errno, "%s: %s", interface, st_text(-errno));
	return ST_OK;
}

static int open_one(const struct ring_options *o, int *ret_fd, struct err *err)
{
	uint16_t linktype = LINKTYPE_ETHERNET;
	bool loopback = false;
	/* No protocol yet: nothing is taken before filter and ring are there. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return err_set(err, -errno, "%s: cannot listen to packets: %s%s", o->interface,
		    st_text(-errno), errno == EPERM ? " (CAP_NET_RAW is needed)" : "");
	rc = link_of(fd, o->interface, &linktype, &loopback, err);
	if (!rc)
		rc = attach_filter(fd, o->filter, linktype, err);
	if (!rc && o->blocks & (o->blocks - 1))
		rc = err_set(err, ST_USAGE, "a ring has a power of two of blocks");
	if (!rc)
		rc = make_ring(fd, o->blocks ? o->blocks : RING_BLOCKS_DEFAULT, err);
	if (!rc)
		rc = bind_to(fd, o->interface, o->fanout.rings > 1 ? 0 : ETH_P_ALL, err);
	if (rc) {
		(void)close(fd);
		return rc;
	}
	*ret_fd = fd;
	return ST_OK;
}

int ring_open(const struct ring_options *o, int *ret_fds, struct err *err)
{
	unsigned rings = o->fanout.rings > 1 ? o->fanout.rings : 1;
	int fds[FANOUT_RINGS_MAX];
	int rc = ST_OK;
	unsigned n;

	if (rings > FANOUT_RINGS_MAX)
		return err_set(err, ST_LIMIT, "more than %d packet rings", FANOUT_RINGS_MAX);
	for (n = 0; n < rings; n++) {
		rc = open_one(o, &fds[n], err);
		if (rc)
			break;
	}
	if (rc) {
		while (n > 0)
			(void)close(fds[--n]);
		return rc;
	}
	memcpy(ret_fds, fds, rings * sizeof(fds[0]));
	return ST_OK;
}

/* ---- several rings -------------------------------------------------------------------------- */

/* Takes nothing: for a socket that has not its part of the packets yet. */
static int shut(int fd, struct err *err)
{
	struct sock_filter nothing = {BPF_RET | BPF_K, 0, 0, 0};
	struct sock_fprog kernel = {1, &nothing};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &kernel, sizeof(kernel)) != 0)
		return err_set(err, -errno, "packet ring: %s", st_text(-errno));
	return ST_OK;
}

static int unshut(int fd, const struct ring_options *o, uint16_t linktype, struct err *err)
{
	int unused = 0;

	if (o->filter && o->filter[0])
		return attach_filter(fd, o->filter, linktype, err);
	if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)) != 0)
		return err_set(err, -errno, "packet ring: %s", st_text(-errno));
	return ST_OK;
}

/* The first one makes a group with a number that nobody else uses (0 is one like any other). */
static int join(int fd, bool first, unsigned *inout_group, struct err *err)
{
	unsigned wanted = first ? (PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_UNIQUEID) << 16
	                        : *inout_group | PACKET_FANOUT_CBPF << 16;
	socklen_t len = sizeof(wanted);

	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &wanted, sizeof(wanted)) != 0
	    || getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &wanted, &len) != 0)
		return err_set(err, -errno, "packet rings cannot be joined: %s", st_text(-errno));
	*inout_group = wanted & 0xffff;
	return ST_OK;
}

int ring_deal(const struct ring_options *o, int fd, struct err *err)
{
	static struct sock_filter program[FANOUT_INSNS_MAX];
	struct fanout_options fanout = o->fanout;
	struct sock_fprog kernel = {0, program};
	uint16_t linktype = LINKTYPE_ETHERNET;
	bool loopback;
	size_t count;
	int rc = link_of(fd, o->interface, &linktype, &loopback, err);

	fanout.frames = linktype == LINKTYPE_RAW ? FANOUT_RAW : FANOUT_ETHERNET;
	if (!rc)
		rc = fanout_program(&fanout, program, &count, err);
	if (rc)
		return rc;
	kernel.len = (unsigned short)count;
	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &kernel, sizeof(kernel)) != 0)
		return err_set(err, -errno, "packets cannot be dealt out to several rings: %s",
		    st_text(-errno));
	return ST_OK;
}

/* Nobody takes a packet until everybody has the own part: none comes twice. */
int ring_share(const struct ring_options *o, const int *fds, struct err *err)
{
	uint16_t linktype = LINKTYPE_ETHERNET;
	unsigned group = 0;
	bool loopback;
	int rc = link_of(fds[0], o->interface, &linktype, &loopback, err);

	for (unsigned i = 0; !rc && i < o->fanout.rings; i++) {
		rc = shut(fds[i], err);
		if (!rc)
			rc = bind_to(fds[i], o->interface, ETH_P_ALL, err);
		if (!rc)
			rc = join(fds[i], i == 0, &group, err);
	}
	if (!rc)
		rc = ring_deal(o, fds[0], err);
	for (unsigned i = 0; !rc && i < o->fanout.rings; i++)
		rc = unshut(fds[i], o, linktype, err);
	return rc;
}

/* ---- reading -------------------------------------------------------------------------------- */

int ring_map(int fd, struct ring **ret_ring, struct err *err)
{
	struct sockaddr_ll address;
	socklen_t len = sizeof(address);
	struct ring *r = calloc(1, sizeof(*r));
	/* The size is not told by the kernel: the mapping that fits is found by halves, so
	 * their number is a power of two. */
	unsigned blocks = RING_BLOCKS_MAX;

	if (!r)
		return err_set(err, -ENOMEM, "out of memory");
	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
		free(r);
		return err_set(err, -errno, "packet ring: %s", st_text(-errno));
	}
	r->fd = fd;
	r->linktype = address.sll_hatype == ARPHRD_ETHER || address.sll_hatype == ARPHRD_LOOPBACK
	    ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
	r->loopback = address.sll_hatype == ARPHRD_LOOPBACK;
	r->map = MAP_FAILED;
	while (blocks > 0) {
		r->size = (size_t)blocks * RING_BLOCK_SIZE;
		r->map = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (r->map != MAP_FAILED)
			break;
		blocks /= 2;
	}
	if (r->map == MAP_FAILED) {
		free(r);
		return err_set(err, -errno, "packet ring: cannot be mapped: %s", st_text(-errno));
	}
	r->blocks = blocks;
	*ret_ring = r;
	return ST_OK;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	(void)munmap(r->map, r->size);
	free(r);
}

static struct tpacket_block_desc *block_of(const struct ring *r)
{
	return (struct tpacket_block_desc *)(void *)(r->map + (size_t)r->current * RING_BLOCK_SIZE);
}

/* A ring that somebody else has read goes on in the middle: with the oldest block that is full. */
static bool find_place(struct ring *r)
{
	uint64_t oldest = UINT64_MAX;
	unsigned place = 0;

	for (r->current = 0; r->current < r->blocks; r->current++) {
		const struct tpacket_block_desc *block = block_of(r);

		if (__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER
		    && block->hdr.bh1.seq_num < oldest) {
			oldest = block->hdr.bh1.seq_num;
			place = r->current;
		}
	}
	r->current = place;
	r->placed = oldest != UINT64_MAX;
	return r->placed;
}

/* Gives the finished block back and takes the next if the kernel has filled it. */
static bool take_block(struct ring *r)
{
	struct tpacket_block_desc *block;

	if (!r->placed && !find_place(r))
		return false;
	block = block_of(r);
	if (r->done) {
		__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		r->current = (r->current + 1) % r->blocks;
		r->done = false;
		block = block_of(r);
	}
	if (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return false;
	r->left = block->hdr.bh1.num_pkts;
	r->next = (struct tpacket3_hdr *)(void *)((uint8_t *)block
	    + block->hdr.bh1.offset_to_first_pkt);
	r->done = true;
	return true;
}

static bool is_second_copy(const struct ring *r, const struct tpacket3_hdr *h)
{
	const struct sockaddr_ll *from =
	    (const struct sockaddr_ll *)(const void *)((const uint8_t *)h
		+ TPACKET_ALIGN(sizeof(struct tpacket3_hdr)));

	return r->loopback && from->sll_pkttype == PACKET_OUTGOING;
}

size_t ring_next(struct ring *r, struct capture_packet *ret_packets, size_t max)
{
	size_t n = 0;

	if (r->left == 0 && !take_block(r))
		return 0;
	for (; r->left > 0 && n < max; r->left--) {
		const struct tpacket3_hdr *h = r->next;

		if (!is_second_copy(r, h))
			ret_packets[n++] = (struct capture_packet){
				.data = (const uint8_t *)h + h->tp_mac,
				.len = h->tp_snaplen,
				.wire_len = h->tp_len,
				.time_us = (int64_t)h->tp_sec * 1000000 + h->tp_nsec / 1000,
				.linktype = r->linktype,
			};
		r->next = (struct tpacket3_hdr *)(void *)((uint8_t *)r->next + h->tp_next_offset);
	}
	return n;
}

void ring_recover(struct ring *r)
{
	int error;
	socklen_t len = sizeof(error);

	(void)getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &len);
}

struct ring_drops ring_drops(struct ring *r)
{
	struct tpacket_stats_v3 now;
	socklen_t len = sizeof(now);

	/* Reading sets the kernel's counters to zero. */
	if (getsockopt(r->fd, SOL_PACKET, PACKET_STATISTICS, &now, &len) == 0) {
		r->drops.received += now.tp_packets;
		r->drops.dropped += now.tp_drops;
	}
	return r->drops;
}
