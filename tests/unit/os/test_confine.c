/*
 * Each worker's profile: a child confines itself and tries what a taken-over worker would try; the
 * parent sees it die by SIGSYS.  What the worker needs must go on working.
 */
#include "os/channel.h"
#include "os/confine.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZER_BUILD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZER_BUILD 1
#endif
#endif
#ifndef SANITIZER_BUILD
#define SANITIZER_BUILD 0
#endif

#define LIVED 40
#define NOT_CONFINED 41

static int inet = -1;
static int channel[2];

static const struct sockaddr_in discard = {
    .sin_family = AF_INET,
    .sin_port = 0x0900,
    .sin_addr = {.s_addr = 0x0100007f},
};

static int set_up(void **state)
{
	(void)state;
	inet = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return inet < 0 || os_channel_pair(channel, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	(void)close(inet);
	(void)close(channel[0]);
	(void)close(channel[1]);
	return 0;
}

static int run_confined(enum os_program program, int (*act)(void))
{
	int status = -1;
	pid_t child;

	(void)fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct err err = {0};

		if (os_confine(program, NULL, &err)) {
			(void)fprintf(stderr, "%s\n", err.text);
			_exit(NOT_CONFINED);
		}
		_exit(act());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static int act_open(void)
{
	return open("/etc/hostname", O_RDONLY) < 0 ? LIVED : LIVED;
}

static int act_socket(void)
{
	(void)socket(AF_INET, SOCK_STREAM, 0);
	return LIVED;
}

static int act_connect(void)
{
	(void)connect(inet, (const struct sockaddr *)&discard, sizeof(discard));
	return LIVED;
}

static int act_bind(void)
{
	(void)bind(inet, (const struct sockaddr *)&discard, sizeof(discard));
	return LIVED;
}

static int act_listen(void)
{
	(void)listen(inet, 1);
	return LIVED;
}

static int act_exec(void)
{
	static char name[] = "true";
	char *argv[] = {name, NULL};

	(void)execv("/bin/true", argv);
	return LIVED;
}

static int act_fork(void)
{
	if (fork() == 0)
		_exit(0);
	return LIVED;
}

static int act_kill(void)
{
	(void)kill(getppid(), 0);
	return LIVED;
}

static int act_ptrace(void)
{
	(void)syscall(SYS_ptrace, 0, 0, 0, 0);
	return LIVED;
}

static int act_unlink(void)
{
	(void)unlink("/nowhere/at/all");
	return LIVED;
}

static int act_memory_file(void)
{
	(void)memfd_create("x", 0);
	return LIVED;
}

static int act_io_uring(void)
{
	char params[256] = {0};

	(void)syscall(SYS_io_uring_setup, 8, params);
	return LIVED;
}

static void forbidden_acts_kill(void **state)
{
	int (*const acts[])(void) = {act_open, act_socket, act_connect, act_bind, act_listen,
	    act_exec, act_fork, act_kill, act_ptrace, act_unlink, act_memory_file, act_io_uring};

	(void)state;
	if (SANITIZER_BUILD) {
		print_message("# the filter is not used with a sanitizer: skipped\n");
		skip();
	}
	for (int program = 0; program < OS_PROGRAM_COUNT; program++)
		for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
			int status = run_confined((enum os_program)program, acts[i]);

			if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
				print_message("# program %d, act %zu: status %x\n", program, i, status);
			assert_true(WIFSIGNALED(status));
			assert_int_equal(WTERMSIG(status), SIGSYS);
		}
}

/* What every worker does; the exit status is the number of the step that fails. */
static int act_work(void)
{
	static uint8_t body[OS_CHANNEL_MAX];
	struct epoll_event event = {.events = EPOLLIN};
	struct pollfd p = {channel[1], POLLIN, 0};
	uint16_t type;
	size_t len;
	void *memory = malloc(8 << 20);
	int epoll;

	if (!memory)
		return 1;
	free(memory);
	if (os_channel_send(channel[0], 7, "abc", 3) != ST_OK)
		return 2;
	if (poll(&p, 1, 1000) != 1)
		return 3;
	if (os_channel_receive(channel[1], &type, body, &len) != ST_OK || type != 7 || len != 3)
		return 4;
	if (os_channel_receive(channel[1], &type, body, &len) == ST_OK)
		return 5;
	epoll = epoll_create1(0) < 0 ? -1 : 0;
	(void)event;
	return epoll == 0 ? 6 : 7; /* epoll sets are made before */
}

static int act_channel(void)
{
	int step = act_work();

	return step >= 6 ? 6 : step;
}

static void channels_work(void **state)
{
	(void)state;
	for (int program = 0; program < OS_PROGRAM_COUNT; program++) {
		int status = run_confined((enum os_program)program, act_channel);

		/* Steps 1 to 5 passed, and the last one kills: a new epoll set is not needed. */
		if (SANITIZER_BUILD)
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 6);
		else
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
}

static int act_accept(void)
{
	static const struct sockaddr_in any = {.sin_family = AF_INET};
	char c = 0;
	int fd = accept4(inet, NULL, NULL, 0);

	(void)any;
	if (fd < 0)
		return 1;
	if (recv(fd, &c, 1, 0) != 1 || c != 'x')
		return 2;
	return send(fd, "y", 1, MSG_NOSIGNAL) == 1 ? 0 : 3;
}

/* Who may accept, and that the capture and the courier may not. */
static void answering_works(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {.s_addr = 0x0100007f}};
	socklen_t len = sizeof(address);

	(void)state;
	assert_int_equal(bind(inet, (const struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(inet, 8), 0);
	assert_int_equal(getsockname(inet, (struct sockaddr *)&address, &len), 0);
	for (int program = 0; program < OS_PROGRAM_COUNT; program++) {
		int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int status;

		assert_int_equal(connect(client, (const struct sockaddr *)&address, len), 0);
		assert_int_equal(send(client, "x", 1, 0), 1);
		status = run_confined((enum os_program)program, act_accept);
		if ((program == OS_PROGRAM_CAPTURE || program == OS_PROGRAM_COURIER)
		    && !SANITIZER_BUILD)
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		else
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		(void)close(client);
	}
}

#define PASSED 20

/* How many descriptors a message leaves with the program: 1 + those that it could take. */
static int act_take_descriptors(void)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(PASSED * sizeof(int))];
	char c;
	struct iovec part = {&c, 1};
	struct msghdr message = {
	    .msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control),
	};
	const struct cmsghdr *first;

	if (recvmsg(channel[1], &message, MSG_DONTWAIT) != 1)
		return 0;
	first = CMSG_FIRSTHDR(&message);
	return 1 + (first ? (int)((first->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0);
}

static void pass_descriptors(void)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(PASSED * sizeof(int))] = {0};
	char c = 'x';
	struct iovec part = {&c, 1};
	struct msghdr message = {
	    .msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control),
	};
	struct cmsghdr *first = CMSG_FIRSTHDR(&message);

	first->cmsg_level = SOL_SOCKET;
	first->cmsg_type = SCM_RIGHTS;
	first->cmsg_len = CMSG_LEN(PASSED * sizeof(int));
	for (size_t i = 0; i < PASSED; i++)
		memcpy(CMSG_DATA(first) + i * sizeof(int), &inet, sizeof(int));
	assert_int_equal(sendmsg(channel[0], &message, 0), 1);
}

/* Another program that passes descriptors gives the courier few, the responder all. */
static void the_courier_takes_few_descriptors(void **state)
{
	int status;

	(void)state;
	pass_descriptors();
	status = run_confined(OS_PROGRAM_RESPOND, act_take_descriptors);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1 + PASSED);
	pass_descriptors();
	status = run_confined(OS_PROGRAM_COURIER, act_take_descriptors);
	assert_true(WIFEXITED(status));
	assert_in_range(WEXITSTATUS(status), 1, PASSED);
}

static int act_nothing(void)
{
	return 0;
}

/* A user that does not exist must stop the start, not leave the worker what it was. */
static void an_unknown_user_stops_the_start(void **state)
{
	struct err err = {0};

	(void)state;
	if (geteuid() != 0) {
		print_message("# only root becomes somebody else: skipped\n");
		skip();
	}
	assert_int_equal(os_become("nobody-of-that-name", &err), ST_NOT_FOUND);
	assert_non_null(strstr(err.text, "nobody-of-that-name"));
}

/* No capability is left, and none can come back. */
static int act_capable(void)
{
	struct rlimit more = {1u << 20, 1u << 20};

	/* Above the hard limit only with CAP_SYS_RESOURCE; the call itself kills. */
	(void)setrlimit(RLIMIT_NOFILE, &more);
	return LIVED;
}

static void limits_cannot_be_lifted(void **state)
{
	int status;

	(void)state;
	if (SANITIZER_BUILD)
		skip();
	status = run_confined(OS_PROGRAM_RESPOND, act_capable);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	status = run_confined(OS_PROGRAM_RESPOND, act_nothing);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(forbidden_acts_kill),
	    TEST(channels_work),
	    TEST(answering_works),
	    TEST(the_courier_takes_few_descriptors),
	    TEST(an_unknown_user_stops_the_start),
	    TEST(limits_cannot_be_lifted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
