/*
 * Sends frames through an interface as fast as the machine can: flood INTERFACE FILE COUNT.
 *
 * FILE holds frames, each behind its length (two bytes, big endian); they are sent in turn until
 * COUNT are.  Prints how many were and the seconds.  For interfaces in namespaces of tests only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES (16u << 20)
#define FRAMES_MAX 65536
#define BATCH 128

static struct iovec frames[FRAMES_MAX];
static size_t frame_count;

static int read_frames(const char *name)
{
	uint8_t *data = malloc(FILE_BYTES);
	FILE *file = fopen(name, "rb");
	size_t len = file && data ? fread(data, 1, FILE_BYTES, file) : 0;

	for (size_t at = 0; at + 2 <= len && frame_count < FRAMES_MAX;) {
		size_t n = (size_t)data[at] << 8 | data[at + 1];

		if (at + 2 + n > len)
			break;
		frames[frame_count++] = (struct iovec){data + at + 2, n};
		at += 2 + n;
	}
	if (file)
		(void)fclose(file);
	return frame_count > 0 ? 0 : -1;
}

static int open_interface(const char *name)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(name),
	};
	int on = 1;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || to.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return -1;
	(void)setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	return fd;
}

int main(int argc, char **argv)
{
	static struct mmsghdr messages[BATCH];
	struct timespec begun;
	struct timespec ended;
	unsigned long count = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	unsigned long sent = 0;
	int fd = argc == 4 ? open_interface(argv[1]) : -1;

	if (fd < 0 || read_frames(argv[2]) != 0) {
		(void)fputs("usage: flood INTERFACE FILE COUNT\n", stderr);
		return 2;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &begun);
	while (sent < count) {
		unsigned n = count - sent < BATCH ? (unsigned)(count - sent) : BATCH;
		int done;

		for (unsigned i = 0; i < n; i++) {
			messages[i].msg_hdr.msg_iov = &frames[(sent + i) % frame_count];
			messages[i].msg_hdr.msg_iovlen = 1;
		}
		done = sendmmsg(fd, messages, n, 0);
		if (done < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR) {
			perror("flood");
			return 1;
		}
		if (done < 0)
			(void)poll(NULL, 0, 1);
		else
			sent += (unsigned long)done;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &ended);
	(void)printf("%lu %.3f\n", sent, (double)(ended.tv_sec - begun.tv_sec)
	    + (double)(ended.tv_nsec - begun.tv_nsec) / 1e9);
	return 0;
}
