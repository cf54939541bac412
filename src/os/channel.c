/* Messages between programs; the contract is in channel.h. */
#include "os/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAGIC 0x5445u /* "TE" */
#define ROOM (4 << 20)

struct header {
	uint16_t magic;
	uint16_t type;
	uint32_t len;
};

int os_channel_pair(int ret_fds[2], struct err *err)
{
	int fds[2];
	int room = ROOM;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
		return err_set(err, -errno, "cannot make a channel: %s", st_text(-errno));
	for (int i = 0; i < 2; i++) {
		/* Forced beyond the system's limit where we may; else what there is. */
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) != 0)
			(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	}
	ret_fds[0] = fds[0];
	ret_fds[1] = fds[1];
	return ST_OK;
}

/* Plain writes and reads keep the boundaries too, and every sandbox allows them. */
int os_channel_send(int fd, uint16_t type, const void *body, size_t len)
{
	struct header header = {MAGIC, type, (uint32_t)len};
	struct iovec parts[2] = {
		{&header, sizeof(header)},
		{(void *)(uintptr_t)body, len},
	};
	ssize_t n;

	if (len > OS_CHANNEL_MAX)
		return ST_LIMIT;
	do
		n = writev(fd, parts, 2);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == ENOBUFS ? -EAGAIN
		    : errno == EPIPE || errno == ECONNRESET ? ST_NOT_FOUND : -errno;
	return ST_OK;
}

int os_channel_receive(int fd, uint16_t *ret_type, void *buf, size_t *ret_len)
{
	struct header header;
	struct iovec parts[2] = {{&header, sizeof(header)}, {buf, OS_CHANNEL_MAX}};
	ssize_t n;

	do
		n = readv(fd, parts, 2);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -EAGAIN : errno == ECONNRESET ? ST_NOT_FOUND : -errno;
	if (n == 0)
		return ST_NOT_FOUND;
	/* A message longer than there is room for comes short. */
	if ((size_t)n < sizeof(header) || header.magic != MAGIC
	    || header.len != (size_t)n - sizeof(header))
		return ST_MALFORMED;
	*ret_type = header.type;
	*ret_len = header.len;
	return ST_OK;
}
