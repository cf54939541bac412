/*
 * Load for a telnet sensor on loopback, one thread: `load ADDRESS PORT dialogues COUNT WINDOW` makes
 * full logins, WINDOW at a time; `load ADDRESS PORT hold COUNT` opens connections and keeps them
 * until its standard input ends.  Prints one number: seconds, or connections held.  It never
 * connects anywhere but to 127.0.0.0/8.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX 262144
#define EVENTS 512
#define PER_SOURCE 20000 /* connections from one address, below the number of its ports */

struct visitor {
	unsigned number;
	unsigned stage; /* prompts answered */
};

static struct visitor visitors[FDS_MAX];
static struct sockaddr_in target;
static int epoll;
static unsigned begun;

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int begin(void)
{
	struct sockaddr_in source = {.sin_family = AF_INET};
	struct epoll_event event = {.events = EPOLLIN};
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || fd >= FDS_MAX)
		return -1;
	source.sin_addr.s_addr = htonl(0x7f000002u + begun / PER_SOURCE % 250);
	(void)setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&source, sizeof(source)) != 0
	    || (connect(fd, (const struct sockaddr *)&target, sizeof(target)) != 0
		&& errno != EINPROGRESS)) {
		(void)close(fd);
		return -1;
	}
	event.data.fd = fd;
	visitors[fd] = (struct visitor){begun++, 0};
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* One event of a visitor: 1 through, -1 lost, 0 goes on. */
static int go_on(int fd)
{
	static const char *const prompts[] = {"ogin:", "assword:", "ncorrect"};
	struct visitor *v = &visitors[fd];
	char text[2048];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	text[n] = '\0';
	if (!memmem(text, (size_t)n, prompts[v->stage], strlen(prompts[v->stage])))
		return 0;
	if (++v->stage == 3)
		return 1;
	n = snprintf(text, sizeof(text), "%s%u\r\n", v->stage == 1 ? "user" : "pass", v->number);
	return send(fd, text, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -1;
}

static int dialogues(unsigned count, unsigned window)
{
	struct epoll_event events[EVENTS];
	struct linger reset = {1, 0};
	unsigned done = 0;
	unsigned lost = 0;
	double start = now();

	while (done + lost < count) {
		while (begun < count && begun - done - lost < window)
			if (begin() != 0)
				return 1;
		for (int i = 0, n = epoll_wait(epoll, events, EVENTS, 1000); i < n; i++) {
			int fd = events[i].data.fd;
			int over = go_on(fd);

			done += over > 0;
			lost += over < 0;
			/* No TIME_WAIT: the ports are needed again. */
			if (over) {
				(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
				(void)close(fd);
			}
		}
		if (now() - start > 120)
			return 1;
	}
	(void)printf("%.3f %u\n", now() - start, lost);
	return 0;
}

static int hold(unsigned count)
{
	struct epoll_event events[EVENTS];
	unsigned prompted = 0;
	unsigned lost = 0;
	double start = now();
	char c;

	while (prompted + lost < count && now() - start < 120) {
		for (unsigned i = 0; i < 256 && begun < count && begun - prompted < 4096; i++)
			if (begin() != 0)
				return 1;
		for (int i = 0, n = epoll_wait(epoll, events, EVENTS, 10); i < n; i++) {
			int fd = events[i].data.fd;
			char text[256];
			bool gone = recv(fd, text, sizeof(text), 0) <= 0;

			prompted += !gone;
			lost += gone;
			(void)epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
		}
	}
	(void)printf("%u %u\n", prompted, lost);
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	struct rlimit most;

	if (argc < 5)
		return 2;
	target.sin_family = AF_INET;
	target.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	if (inet_pton(AF_INET, argv[1], &target.sin_addr) != 1
	    || ntohl(target.sin_addr.s_addr) >> 24 != 127)
		return 2;
	if (getrlimit(RLIMIT_NOFILE, &most) == 0) {
		most.rlim_cur = most.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &most);
	}
	epoll = epoll_create1(0);
	if (strcmp(argv[3], "dialogues") == 0)
		return dialogues((unsigned)strtoul(argv[4], NULL, 10),
		    argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 256);
	return hold((unsigned)strtoul(argv[4], NULL, 10));
}
