/*
 * The least that a telnet login costs, to measure the sensor against: an epoll loop that asks for a
 * user and a password, refuses them and hangs up, and knows and records nothing.  `bare ADDRESS
 * PORT`, until its standard input ends.  Listens on loopback only.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 512
#define FDS_MAX 262144
#define BACKLOG 65535

static uint8_t stages[FDS_MAX];
static const char *const words[] = {"login: ", "Password: ", "\r\nLogin incorrect\r\nlogin: "};

static void add(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	(void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void say(int fd)
{
	const char *word = words[stages[fd]];

	if (send(fd, word, strlen(word), MSG_NOSIGNAL) < 0)
		(void)close(fd);
}

static void hear(int fd)
{
	char line[4096];
	ssize_t n = recv(fd, line, sizeof(line), 0);

	if (n <= 0 || stages[fd] == 2) {
		(void)close(fd);
		return;
	}
	if (memchr(line, '\n', (size_t)n)) {
		stages[fd]++;
		say(fd);
	}
}

static int listen_at(const char *address, const char *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int on = 1;

	if (inet_pton(AF_INET, address, &at.sin_addr) != 1
	    || (ntohl(at.sin_addr.s_addr) >> 24) != IN_LOOPBACKNET
	    || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0
	    || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0
	    || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, BACKLOG) != 0)
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	int listener = argc == 3 ? listen_at(argv[1], argv[2]) : -1;
	int epoll = epoll_create1(0);

	if (listener < 0) {
		(void)fputs("usage: bare 127.x.x.x PORT\n", stderr);
		return 2;
	}
	add(epoll, listener);
	add(epoll, STDIN_FILENO);
	(void)puts("ready");
	(void)fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == STDIN_FILENO)
				return 0;
			if (fd != listener) {
				hear(fd);
				continue;
			}
			while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
				stages[fd < FDS_MAX ? fd : 0] = 0;
				say(fd);
				add(epoll, fd);
			}
		}
	}
}
