/* Raw sockets for UDP; the contract is in rawudp.h. */
#include "os/rawudp.h"

#include "base/wr.h"
#include "os/listen.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHECKSUM_AT 6 /* in the header */

/* A raw socket gets a copy of every datagram that the machine receives, unless a filter says no;
 * once locked the filter stays. */
static int receive_nothing(int fd)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {1, &none};
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0
	    || setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) != 0)
		return -errno;
	/* What came before the filter. */
	while (recv(fd, NULL, 0, MSG_DONTWAIT | MSG_TRUNC) >= 0)
		;
	return ST_OK;
}

static int open_family(int family, int *ret_fd)
{
	int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
	int rc = fd < 0 ? -errno : receive_nothing(fd);

	if (rc && fd >= 0)
		(void)close(fd);
	if (!rc)
		*ret_fd = fd;
	return rc;
}

int os_raw_udp_open(bool routed, struct os_raw_udp *ret_sockets, struct err *err)
{
	struct os_raw_udp s = {-1, -1};
	int rc = open_family(AF_INET, &s.v4);

	if (!rc)
		rc = open_family(AF_INET6, &s.v6);
	if (!rc && routed)
		rc = os_send_routed(s.v6);
	if (rc) {
		os_raw_udp_close(&s);
		return err_set(err, rc, "cannot open a raw socket for UDP: %s", st_text(rc));
	}
	*ret_sockets = s;
	return ST_OK;
}

void os_raw_udp_close(struct os_raw_udp *s)
{
	if (s->v4 >= 0)
		(void)close(s->v4);
	if (s->v6 >= 0)
		(void)close(s->v6);
	*s = (struct os_raw_udp){-1, -1};
}

/* ---- the header ----------------------------------------------------------------------------- */

/* RFC 1071; the words of the pseudo header are summed by value, their order does not matter. */
static uint64_t sum_bytes(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	for (; len > 1; p += 2, len -= 2)
		sum += (uint64_t)p[0] << 8 | p[1];
	return len > 0 ? sum + ((uint64_t)p[0] << 8) : sum;
}

static uint64_t sum_u64(uint64_t v)
{
	return (v >> 48) + (v >> 32 & 0xffff) + (v >> 16 & 0xffff) + (v & 0xffff);
}

static uint64_t sum_address(struct ip ip)
{
	return ip_is_v4(ip) ? sum_u64(ip_v4(ip)) : sum_u64(ip.hi) + sum_u64(ip.lo);
}

void os_raw_udp_header(struct ip from, uint16_t from_port, struct ip to, uint16_t to_port,
    const void *data, size_t len, uint8_t ret_header[OS_RAW_UDP_HEADER])
{
	struct wr w = wr_init(ret_header, OS_RAW_UDP_HEADER);
	uint64_t sum = sum_address(from) + sum_address(to) + IPPROTO_UDP + len + OS_RAW_UDP_HEADER;

	wr_u16be(&w, from_port);
	wr_u16be(&w, to_port);
	wr_u16be(&w, (uint16_t)(len + OS_RAW_UDP_HEADER));
	wr_u16be(&w, 0);
	sum += sum_bytes(ret_header, OS_RAW_UDP_HEADER) + sum_bytes(data, len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	/* Zero would say that there is no checksum. */
	sum = sum == 0xffff ? 0xffff : ~sum & 0xffff;
	w = wr_init(ret_header + CHECKSUM_AT, OS_RAW_UDP_HEADER - CHECKSUM_AT);
	wr_u16be(&w, (uint16_t)sum);
}

/* ---- sending -------------------------------------------------------------------------------- */

static void fill_v4(struct sockaddr_in *a, struct ip ip)
{
	*a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(ip_v4(ip))};
}

static void fill_v6(struct in6_addr *a, struct ip ip)
{
	for (unsigned i = 0; i < 8; i++) {
		a->s6_addr[i] = (uint8_t)(ip.hi >> (56 - 8 * i));
		a->s6_addr[8 + i] = (uint8_t)(ip.lo >> (56 - 8 * i));
	}
}

static void put_control(struct msghdr *message, int level, int type, const void *info, size_t size)
{
	struct cmsghdr *c;

	message->msg_controllen = CMSG_SPACE(size);
	c = CMSG_FIRSTHDR(message);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(c), info, size);
}

int os_raw_udp_send(const struct os_raw_udp *sockets, struct ip from, uint16_t from_port,
    struct ip to, uint16_t to_port, const void *data, size_t len)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = {0};
	bool v4 = ip_is_v4(to);
	uint8_t header[OS_RAW_UDP_HEADER];
	struct iovec parts[2] = {{header, sizeof(header)}, {(void *)(uintptr_t)data, len}};
	struct sockaddr_in to4;
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
	struct msghdr message = {
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	if (v4 != ip_is_v4(from) || len > OS_RAW_UDP_MAX)
		return -EINVAL;
	os_raw_udp_header(from, from_port, to, to_port, data, len, header);
	if (v4) {
		struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(ip_v4(from))};

		fill_v4(&to4, to);
		message.msg_name = &to4;
		message.msg_namelen = sizeof(to4);
		put_control(&message, SOL_IP, IP_PKTINFO, &info, sizeof(info));
	} else {
		struct in6_pktinfo info = {.ipi6_ifindex = 0};

		/* Its port would be a protocol number. */
		fill_v6(&to6.sin6_addr, to);
		fill_v6(&info.ipi6_addr, from);
		message.msg_name = &to6;
		message.msg_namelen = sizeof(to6);
		put_control(&message, SOL_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
	return sendmsg(v4 ? sockets->v4 : sockets->v6, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0
	    ? -errno : ST_OK;
}
