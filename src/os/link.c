/* The state of an interface; the contract is in link.h.  rtnetlink(7), netdevice(7). */
#include "os/link.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int os_link_watch(int *ret_fd, struct err *err)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		int rc = -errno;

		if (fd >= 0)
			(void)close(fd);
		return err_set(err, rc, "cannot watch the interfaces: %s", st_text(rc));
	}
	*ret_fd = fd;
	return ST_OK;
}

void os_link_seen(int fd)
{
	char ignored[64]; /* what changed is asked afterwards: messages can be lost, states cannot */

	while (recv(fd, ignored, sizeof(ignored), MSG_DONTWAIT) >= 0 || errno == ENOBUFS
	    || errno == EINTR)
		continue;
}

enum os_link_state os_link_look(const char *name, unsigned *ret_index)
{
	struct ifreq request;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	enum os_link_state state = OS_LINK_GONE;

	*ret_index = if_nametoindex(name);
	memset(&request, 0, sizeof(request));
	if (fd >= 0 && strlen(name) < sizeof(request.ifr_name)) {
		memcpy(request.ifr_name, name, strlen(name));
		if (*ret_index > 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0)
			state = request.ifr_flags & IFF_UP && request.ifr_flags & IFF_RUNNING
			    ? OS_LINK_UP : OS_LINK_DOWN;
	}
	if (fd >= 0)
		(void)close(fd);
	return state;
}
