/*
 * A child applies the sandbox and tries what a taken-over parser would try; the parent sees how it
 * ends.  What the program needs must go on working.
 */
#include "os/file.h"
#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
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

#define DENIED 40  /* the act failed with a permission error */
#define DONE 41    /* the act succeeded */
#define STRANGE 42 /* it failed otherwise */
#define NO_SANDBOX 43

static char readable[OS_PATH_MAX];
static char writable[OS_PATH_MAX];
static char elsewhere[OS_PATH_MAX];
static int socket_before = -1;

static const char *file_in(const char *folder, const char *name)
{
	static char text[OS_PATH_MAX + 64];

	(void)snprintf(text, sizeof(text), "%s/%s", folder, name);
	return text;
}

static int set_up(void **state)
{
	(void)state;
	if (os_folder_temporary(NULL, readable, NULL) != ST_OK ||
	    os_folder_temporary(NULL, writable, NULL) != ST_OK ||
	    os_folder_temporary(NULL, elsewhere, NULL) != ST_OK ||
	    os_file_write(file_in(readable, "in"), "capture", 7, NULL) != ST_OK ||
	    os_file_write(file_in(elsewhere, "secret"), "secret", 6, NULL) != ST_OK)
		return -1;
	socket_before = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return socket_before < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)close(socket_before);
	return os_tree_remove(readable, NULL) || os_tree_remove(writable, NULL) ||
	       os_tree_remove(elsewhere, NULL);
}

static int outcome(long result)
{
	if (result >= 0)
		return DONE;
	return errno == EPERM || errno == EACCES ? DENIED : STRANGE;
}

/* Runs act in a sandboxed child; its wait status. */
static int in_sandbox(int (*act)(void))
{
	const char *reads[] = {readable, "/nowhere/at/all"};
	const char *writes[] = {writable};
	int status = -1;
	pid_t child;

	(void)fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit none = {0, 0};
		struct err err = {0};

		(void)setrlimit(RLIMIT_CORE, &none);
		if (os_sandbox_reader(reads, 2, writes, 1, NULL, &err) != ST_OK) {
			(void)fprintf(stderr, "%s\n", err.text);
			_exit(NO_SANDBOX);
		}
		_exit(act());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void expect_exit(int (*act)(void), int code)
{
	int status = in_sandbox(act);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

static void expect_killed(int (*act)(void))
{
	int status = in_sandbox(act);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int act_socket(void)
{
	return outcome(socket(AF_INET, SOCK_STREAM, 0));
}

static int act_socket_unix(void)
{
	return outcome(socket(AF_UNIX, SOCK_STREAM, 0));
}

static const struct sockaddr_in discard = {
    .sin_family = AF_INET,
    .sin_port = 0x0900,
    .sin_addr = {.s_addr = 0x0100007f},
};

static int act_connect(void)
{
	return outcome(connect(socket_before, (const struct sockaddr *)&discard, sizeof(discard)));
}

static int act_bind(void)
{
	return outcome(bind(socket_before, (const struct sockaddr *)&discard, sizeof(discard)));
}

static int act_sendto(void)
{
	return outcome(
	    sendto(socket_before, "x", 1, 0, (const struct sockaddr *)&discard, sizeof(discard)));
}

static int act_exec(void)
{
	static char name[] = "true";
	char *argv[] = {name, NULL};

	(void)execv("/bin/true", argv);
	return STRANGE;
}

static int act_ptrace(void)
{
	return outcome(syscall(SYS_ptrace, 0, 0, 0, 0));
}

static int act_mount(void)
{
	return outcome(syscall(SYS_mount, "a", "b", "c", 0, 0));
}

static int act_fork(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return outcome(child);
}

static int act_signal_parent(void)
{
	return outcome(kill(getppid(), 0));
}

static int act_io_uring(void)
{
	char params[256] = {0};

	return outcome(syscall(SYS_io_uring_setup, 8, params));
}

static int act_terminal_input(void)
{
	char c = 'x';

	return outcome(ioctl(STDIN_FILENO, TIOCSTI, &c));
}

static int act_read_outside(void)
{
	return outcome(open(file_in(elsewhere, "secret"), O_RDONLY));
}

static int act_write_outside(void)
{
	return outcome(open("/etc/passwd", O_WRONLY));
}

static int act_make_outside(void)
{
	return outcome(open(file_in(elsewhere, "new"), O_WRONLY | O_CREAT, 0600));
}

static int act_cut_readable(void)
{
	return outcome(truncate(file_in(readable, "in"), 0));
}

static int act_write_readable(void)
{
	return outcome(open(file_in(readable, "in"), O_WRONLY));
}

static int act_list_outside(void)
{
	return outcome(open(elsewhere, O_RDONLY | O_DIRECTORY));
}

static void *thread_body(void *arg)
{
	*(int *)arg = 7;
	return NULL;
}

/* What the program is for; the exit status is the number of the first step that fails. */
static int act_work(void)
{
	struct os_map map;
	struct err err = {0};
	time_t moment = 1790000000;
	struct tm local;
	pthread_t thread;
	int value = 0;
	void *page;
	char *data;

	if (os_map_file(file_in(readable, "in"), &map, &err) != ST_OK || map.len != 7)
		return 1;
	os_map_close(&map);
	if (os_file_write(file_in(writable, "out"), "x", 1, &err) != ST_OK)
		return 2;
	if (os_file_read(file_in(writable, "out"), 9, &data, NULL, &err) != ST_OK)
		return 3;
	free(data);
	if (os_folder_make(file_in(writable, "sub/sub"), &err) != ST_OK ||
	    os_file_publish(file_in(writable, "out"), writable, NULL) == ST_OK)
		return 4;
	if (pthread_create(&thread, NULL, thread_body, &value) != 0 ||
	    pthread_join(thread, NULL) != 0 || value != 7)
		return 5;
	page = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || munmap(page, 1 << 20) != 0)
		return 6;
	if (!localtime_r(&moment, &local) || sysconf(_SC_NPROCESSORS_ONLN) < 1)
		return 7;
	if (os_tree_remove(file_in(writable, "sub"), &err) != ST_OK)
		return 8;
	if (write(STDERR_FILENO, "", 0) != 0 || open("/dev/null", O_WRONLY) < 0)
		return 9;
	return 0;
}

/* An ordinary end runs the exit handlers: under AddressSanitizer also the leak check. */
static int act_exit(void)
{
	exit(0);
}

static int act_abort(void)
{
	abort();
}

static void network_is_refused(void **state)
{
	(void)state;
	expect_exit(act_socket, DENIED);
	expect_exit(act_socket_unix, DENIED);
	expect_exit(act_connect, DENIED);
	expect_exit(act_bind, DENIED);
	expect_exit(act_sendto, DENIED);
	expect_exit(act_io_uring, DENIED);
}

static void programs_and_tracing_kill(void **state)
{
	(void)state;
	expect_killed(act_exec);
	expect_killed(act_mount);
	if (SANITIZER_BUILD) {
		print_message("# ptrace and fork are left to the sanitizer\n");
	} else {
		expect_killed(act_ptrace);
		expect_exit(act_fork, DENIED);
	}
	expect_exit(act_signal_parent, DENIED);
	expect_exit(act_terminal_input, DENIED);
}

static void other_files_are_refused(void **state)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	(void)state;
	if (abi < 1) {
		print_message("# this kernel has no Landlock: skipped\n");
		skip();
	}
	expect_exit(act_read_outside, DENIED);
	expect_exit(act_write_outside, DENIED);
	expect_exit(act_make_outside, DENIED);
	expect_exit(act_write_readable, DENIED);
	expect_exit(act_list_outside, DENIED);
	if (abi >= 3)
		expect_exit(act_cut_readable, DENIED);
}

static void work_goes_on(void **state)
{
	int status;

	(void)state;
	expect_exit(act_work, 0);
	expect_exit(act_exit, 0);
	status = in_sandbox(act_abort);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void *waiting_body(void *arg)
{
	(void)pause();
	return arg;
}

static void mistakes_stop_the_start(void **state)
{
	const char *missing[] = {"/nowhere/at/all"};
	int status = -1;
	pid_t child;

	(void)state;
	(void)fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct os_sandbox_status said = {.landlock_abi = -1};
		struct err err = {0};
		int ret = os_sandbox_reader(NULL, 0, missing, 1, &said, &err);

		/* Without Landlock there is nothing that could miss the folder. */
		if (ret == ST_OK)
			_exit(said.landlock_abi == 0 ? 0 : 1);
		_exit(ret == -ENOENT && strstr(err.text, missing[0]) ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void threads_come_later(void **state)
{
	int status = -1;
	pid_t child;

	(void)state;
	if (SANITIZER_BUILD)
		skip(); /* sanitizers may hold threads of their own: not checked there */
	(void)fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, waiting_body, NULL) != 0)
			_exit(3);
		_exit(os_sandbox_reader(NULL, 0, NULL, 0, NULL, NULL) == ST_USAGE ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(network_is_refused),
	    TEST(programs_and_tracing_kill),
	    TEST(other_files_are_refused),
	    TEST(work_goes_on),
	    TEST(mistakes_stop_the_start),
	    TEST(threads_come_later),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
