/*
 * Listening sockets of the answering side, and what an accepted connection or a datagram says about
 * its ends.  Opened by the supervisor, used by workers that may not make sockets.
 */
#pragma once

#include "base/ip.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OS_LISTEN_BACKLOG 65535
#define OS_SAVED_SYN_MAX 256

enum os_transport {
	OS_TCP = 6, /* IP protocol numbers */
	OS_UDP = 17,
};

struct os_listen_options {
	enum os_transport transport;
	struct ip address; /* all zero: any IPv6 and IPv4 address */
	uint16_t port;
	bool transparent;  /* any destination, for TPROXY; needs CAP_NET_ADMIN */
};

/*
 * Opens a non-blocking listening (TCP) or bound (UDP) socket, closed on exec.  TCP ones keep the
 * client's SYN for os_saved_syn; UDP ones tell each datagram's destination.  The error names
 * address and port.
 */
ST_MUST_CHECK int os_listen(const struct os_listen_options *options, int *ret_fd, struct err *err);

/* Accepts one connection, non-blocking.  -EAGAIN: none waits. */
ST_MUST_CHECK int os_accept(int fd, int *ret_fd, struct ip *ret_peer, uint16_t *ret_peer_port,
    struct ip *ret_local, uint16_t *ret_local_port);

/* The IP and TCP headers of the SYN that opened a connection; 0 when the kernel kept none. */
size_t os_saved_syn(int fd, uint8_t ret_packet[OS_SAVED_SYN_MAX]);

struct os_datagram {
	struct ip peer;
	uint16_t peer_port;
	struct ip local;
	uint16_t local_port;
	size_t len; /* more than the buffer: it was cut there */
};

/* Receives one datagram.  -EAGAIN: none waits. */
ST_MUST_CHECK int os_datagram_receive(int fd, void *buf, size_t cap,
    struct os_datagram *ret_datagram);

/* Datagrams that the kernel dropped because nobody took them in time; wraps at 2^32. */
uint32_t os_datagram_drops(int fd);

/* Answers from the address that was asked.  -EAGAIN: it was not sent. */
ST_MUST_CHECK int os_datagram_send(int fd, const void *data, size_t len,
    const struct os_datagram *to);

/*
 * Lets a socket send from IPv6 addresses that no interface has: those of a network that is only
 * routed here.  Otherwise the kernel refuses what is not this machine's own; in IPv4 such a route
 * is enough for it.
 */
int os_send_routed(int fd);

/* As much as the limits allow: raises RLIMIT_NOFILE to its hard limit; returns it. */
uint64_t os_descriptors_raise(void);
