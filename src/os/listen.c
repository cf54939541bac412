/* Listening sockets; the contract is in listen.h. */
#include "os/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef TCP_SAVE_SYN
#define TCP_SAVE_SYN 27
#define TCP_SAVED_SYN 28
#endif
#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif
#ifndef IPV6_ORIGDSTADDR
#define IPV6_ORIGDSTADDR 74
#endif

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

#define UDP_ROOM (4 << 20)

static void fill(struct sockaddr_in6 *a, struct ip ip, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	a->sin6_family = AF_INET6;
	a->sin6_port = htons(port);
	for (unsigned i = 0; i < 8; i++) {
		a->sin6_addr.s6_addr[i] = (uint8_t)(ip.hi >> (56 - 8 * i));
		a->sin6_addr.s6_addr[8 + i] = (uint8_t)(ip.lo >> (56 - 8 * i));
	}
}

static struct ip take(const struct in6_addr *a)
{
	struct ip ip = {0, 0};

	for (unsigned i = 0; i < 8; i++) {
		ip.hi = ip.hi << 8 | a->s6_addr[i];
		ip.lo = ip.lo << 8 | a->s6_addr[8 + i];
	}
	return ip;
}

static int set(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on));
}

/* One IPv6 socket serves both families: IPv4 comes as ::ffff:a.b.c.d, as struct ip has it. */
static int prepare(int fd, const struct os_listen_options *o)
{
	int off = 0;
	int room = UDP_ROOM;

	if (set(fd, SOL_SOCKET, SO_REUSEADDR) != 0
	    || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0)
		return -errno;
	if (o->transparent && (set(fd, SOL_IP, IP_TRANSPARENT) != 0
	    || set(fd, SOL_IPV6, IPV6_TRANSPARENT) != 0))
		return -errno;
	if (o->transport == OS_TCP) {
		(void)set(fd, IPPROTO_TCP, TCP_SAVE_SYN);
		(void)set(fd, IPPROTO_TCP, TCP_NODELAY);
		return ST_OK;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO) != 0)
		return -errno;
	if (o->transparent) {
		(void)set(fd, SOL_IP, IP_RECVORIGDSTADDR);
		(void)set(fd, SOL_IPV6, IPV6_ORIGDSTADDR);
	}
	return ST_OK;
}

int os_listen(const struct os_listen_options *o, int *ret_fd, struct err *err)
{
	struct sockaddr_in6 address;
	char text[IP_TEXT_MAX];
	int fd = socket(AF_INET6, (o->transport == OS_TCP ? SOCK_STREAM : SOCK_DGRAM)
	    | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc = fd < 0 ? -errno : prepare(fd, o);

	fill(&address, o->address, o->port);
	if (!rc && bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		rc = -errno;
	if (!rc && o->transport == OS_TCP && listen(fd, OS_LISTEN_BACKLOG) != 0)
		rc = -errno;
	if (rc) {
		if (fd >= 0)
			(void)close(fd);
		return err_set(err, rc, "cannot listen on %s port %u/%s: %s",
		    ip_format(o->address, text), o->port, o->transport == OS_TCP ? "tcp" : "udp",
		    st_text(rc));
	}
	*ret_fd = fd;
	return ST_OK;
}

int os_accept(int fd, int *ret_fd, struct ip *ret_peer, uint16_t *ret_peer_port,
    struct ip *ret_local, uint16_t *ret_local_port)
{
	struct sockaddr_in6 peer;
	struct sockaddr_in6 local;
	socklen_t len = sizeof(peer);
	socklen_t local_len = sizeof(local);
	int new_fd;

	do
		new_fd = accept4(fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (new_fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (new_fd < 0)
		return -errno;
	if (getsockname(new_fd, (struct sockaddr *)&local, &local_len) != 0) {
		int rc = -errno;

		(void)close(new_fd);
		return rc;
	}
	*ret_fd = new_fd;
	*ret_peer = take(&peer.sin6_addr);
	*ret_peer_port = ntohs(peer.sin6_port);
	*ret_local = take(&local.sin6_addr);
	*ret_local_port = ntohs(local.sin6_port);
	return ST_OK;
}

size_t os_saved_syn(int fd, uint8_t ret_packet[OS_SAVED_SYN_MAX])
{
	socklen_t len = OS_SAVED_SYN_MAX;

	return getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, ret_packet, &len) == 0 ? len : 0;
}

static void take_destination(struct msghdr *message, struct os_datagram *d)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			d->local = take(&info.ipi6_addr);
		} else if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_ORIGDSTADDR) {
			struct sockaddr_in original;

			memcpy(&original, CMSG_DATA(c), sizeof(original));
			d->local = ip_from_v4(ntohl(original.sin_addr.s_addr));
			d->local_port = ntohs(original.sin_port);
		} else if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_ORIGDSTADDR) {
			struct sockaddr_in6 original;

			memcpy(&original, CMSG_DATA(c), sizeof(original));
			d->local = take(&original.sin6_addr);
			d->local_port = ntohs(original.sin6_port);
		}
	}
}

int os_datagram_receive(int fd, void *buf, size_t cap, struct os_datagram *ret)
{
	_Alignas(struct cmsghdr) uint8_t control[256];
	struct sockaddr_in6 peer;
	struct sockaddr_in6 local;
	socklen_t local_len = sizeof(local);
	struct iovec part = {buf, cap};
	struct msghdr message = {
		.msg_name = &peer,
		.msg_namelen = sizeof(peer),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	do
		n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	memset(ret, 0, sizeof(*ret));
	ret->peer = take(&peer.sin6_addr);
	ret->peer_port = ntohs(peer.sin6_port);
	ret->len = (size_t)n;
	if (getsockname(fd, (struct sockaddr *)&local, &local_len) == 0) {
		ret->local = take(&local.sin6_addr);
		ret->local_port = ntohs(local.sin6_port);
	}
	take_destination(&message, ret);
	return ST_OK;
}

uint32_t os_datagram_drops(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);

	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0 ? info[SK_MEMINFO_DROPS] : 0;
}

int os_datagram_send(int fd, const void *data, size_t len, const struct os_datagram *to)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = {0};
	struct in6_pktinfo info = {.ipi6_ifindex = 0};
	struct sockaddr_in6 peer;
	struct iovec part = {(void *)(uintptr_t)data, len};
	struct msghdr message = {
		.msg_name = &peer,
		.msg_namelen = sizeof(peer),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	struct sockaddr_in6 local;

	fill(&peer, to->peer, to->peer_port);
	fill(&local, to->local, 0);
	info.ipi6_addr = local.sin6_addr;
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : ST_OK;
}

int os_send_routed(int fd)
{
	return set(fd, SOL_IPV6, IPV6_FREEBIND) == 0 ? ST_OK : -errno;
}

uint64_t os_descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}
