/*
 * Sending datagrams from any port: raw sockets for UDP, one for each family.  Opened by the
 * supervisor, used by the courier alone.
 *
 * The sockets are neither transparent nor do they take a header of ours: the kernel writes the IP
 * header and refuses a source address that is not this machine's, if not told otherwise for IPv6.
 * So what can be chosen with them is the source port, and the protocol is always UDP.  They receive
 * nothing.
 */
#pragma once

#include "base/ip.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct os_raw_udp {
	int v4;
	int v6;
};

/* Opens both, closed on exec; needs CAP_NET_RAW.  `routed`: the IPv6 one may send from addresses that
 * no interface has (os_send_routed). */
ST_MUST_CHECK int os_raw_udp_open(bool routed, struct os_raw_udp *ret_sockets, struct err *err);
void os_raw_udp_close(struct os_raw_udp *sockets); /* those that are not -1, which they become */

/* Sends data as one datagram.  A negative error when the kernel does not: its queue is full
 * (-EAGAIN), `from` is not an address of this machine, there is no way there. */
int os_raw_udp_send(const struct os_raw_udp *sockets, struct ip from, uint16_t from_port,
    struct ip to, uint16_t to_port, const void *data, size_t len);

/*
 * The UDP header (RFC 768; RFC 8200 §8.1 for IPv6) with its checksum, in network order.  The length
 * must be at most OS_RAW_UDP_MAX.
 */
#define OS_RAW_UDP_HEADER 8
#define OS_RAW_UDP_MAX (65535u - 40 - OS_RAW_UDP_HEADER)
void os_raw_udp_header(struct ip from, uint16_t from_port, struct ip to, uint16_t to_port,
    const void *data, size_t len, uint8_t ret_header[OS_RAW_UDP_HEADER]);
