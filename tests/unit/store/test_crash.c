/*
 * kill -9 at random moments: without a journal an ingest is there wholly or not at all, with one
 * every synced row survives; readers look on all the time and see nothing else.
 */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define ROUNDS 14
#define ROWS 2000
#define PATIENCE_MS 60000u

/* What the writing process tells the test, in shared memory. */
struct told {
	unsigned committed; /* ingests whose commit returned */
	unsigned begun;
	unsigned given; /* rows given more than JOURNAL_BOUND before now */
};

static char path[FIXTURE_PATH_MAX];
static struct told *told;
static struct record_flow rows[ROWS];

static int setup(void **state)
{
	(void)state;
	fixture_path(path);
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(told != MAP_FAILED);
	for (size_t i = 0; i < ROWS; i++) /* three dates: an ingest has three segments */
		rows[i] = fixture_flow(FIXTURE_TIME + (int64_t)(i % 3) * CIVIL_US_PER_DAY,
		    (uint32_t)i);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)munmap(told, sizeof(*told));
	fixture_remove(path);
	return 0;
}

static void sleep_ms(unsigned ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	(void)nanosleep(&time, NULL);
}

static void write_for_ever(void)
{
	const struct store_options options = {.path = path, .mode = STORE_WRITE, .threads = 1};
	const struct store_ingest_options ingest_options = {.sensor = 1, .name = "x"};
	const struct store_compact_options compact = {.before_day = INT32_MAX,
		.dirty_only = true, .now_us = FIXTURE_TIME, .grace_us = CIVIL_US_PER_DAY};
	struct store_compact_stats stats;
	struct store *store = NULL;

	if (store_open(&options, &store, NULL))
		_exit(1);
	for (unsigned n = 0;; n++) {
		struct store_ingest *ingest = NULL;

		told->begun++;
		if (store_ingest_begin(store, &ingest_options, &ingest, NULL)
		    || store_ingest_flow(ingest, rows, ROWS, NULL)
		    || store_ingest_commit(ingest, NULL))
			_exit(1);
		told->committed++;
		if (n % 4 == 3 && store_compact(store, &compact, &stats, NULL))
			_exit(1);
	}
}

static int64_t count_rows(void)
{
	struct store *store = fixture_open(path, STORE_READ, NULL);
	int64_t count = fixture_int(store, "SELECT count(*) FROM flow");

	store_close(store);
	return count;
}

static pid_t run_child(void (*work)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		work();
		_exit(0);
	}
	return pid;
}

static void kill_child(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status)); /* it had not failed by itself */
}

static unsigned count_files(const char *pattern)
{
	char command[FIXTURE_PATH_MAX + 64];
	unsigned count = 0;
	FILE *pipe;

	(void)snprintf(command, sizeof(command), "find '%s' -type f -path '%s' | wc -l", path,
	    pattern);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%u", &count), 1);
	(void)pclose(pipe);
	return count;
}

static void an_ingest_is_whole_or_absent(void **state)
{
	int64_t last = 0;

	(void)state;
	store_close(fixture_open(path, STORE_WRITE, "UTC"));
	for (unsigned round = 0; round < ROUNDS; round++) {
		pid_t pid = run_child(write_for_ever);
		unsigned committed;

		sleep_ms(120 + round * 37 % 250);
		/* A slow machine may need longer for the first one. */
		for (unsigned wait = 0; told->committed == 0 && wait < PATIENCE_MS; wait += 10)
			sleep_ms(10);
		for (int look = 0; look < 2; look++) {
			int64_t count = count_rows();

			assert_int_equal(count % ROWS, 0);
			assert_true(count >= last);
			last = count;
		}
		kill_child(pid);
		committed = told->committed;
		last = count_rows();
		assert_int_equal(last % ROWS, 0);
		assert_in_range(last / ROWS, committed, told->begun);
		told->begun = told->committed = (unsigned)(last / ROWS);
	}
	assert_true(last > 0);
	/* The next writer removes what the dead ones left. */
	store_close(fixture_open(path, STORE_WRITE, NULL));
	assert_int_equal(count_files("*/.tmp-*"), 0);
	assert_int_equal(count_rows(), last);
}

static void write_live(void)
{
	const struct store_options options = {.path = path, .mode = STORE_WRITE, .threads = 1};
	const struct store_ingest_options ingest_options = {.sensor = 1, .name = "live",
		.journal = true};
	struct store_ingest *ingest = NULL;
	struct store *store = NULL;

	if (store_open(&options, &store, NULL)
	    || store_ingest_begin(store, &ingest_options, &ingest, NULL))
		_exit(1);
	for (;;) {
		for (int i = 0; i < 40; i++) {
			struct record_coverage coverage = fixture_coverage(FIXTURE_TIME);
			struct record_login login = {.time = FIXTURE_TIME, .sensor = 1,
				.session = told->given, .protocol = {"telnet", 6},
				.user = {"root", 4}, .password = {"xc3511", 6},
				.secret = {"password", 8}};

			if (store_ingest_flow(ingest, rows, 10, NULL)
			    || store_ingest_coverage(ingest, &coverage, 1, NULL)
			    || store_ingest_rows(ingest, RECORD_TABLE_login, &login, 1, NULL))
				_exit(1);
			told->given += 10;
			sleep_ms(2);
		}
		sleep_ms(1400); /* long enough to become visible */
	}
}

static void synced_rows_survive(void **state)
{
	int64_t before = 0;

	(void)state;
	store_close(fixture_open(path, STORE_WRITE, "UTC"));
	for (unsigned round = 0; round < 5; round++) {
		struct store *store;
		pid_t pid;
		int64_t count;

		told->given = 0;
		pid = run_child(write_live);
		sleep_ms(150 + round * 517);
		assert_true(count_rows() >= before);
		kill_child(pid);
		store = fixture_open(path, STORE_WRITE, NULL); /* replays */
		count = fixture_int(store, "SELECT count(*) FROM flow");
		/* The kernel lives on, so even rows not synced are there, each once. */
		assert_in_range(count - before, told->given, told->given + 10);
		assert_in_range(fixture_int(store, "SELECT count(*) FROM coverage") * 10,
		    count - 10 * (round + 1), count + 10 * (round + 1));
		/* Each login once, with its texts. */
		assert_in_range(fixture_int(store, "SELECT count(*) FROM login WHERE \"user\" = "
		                                   "'root' AND password = 'xc3511'") * 10,
		    count - 10 * (round + 1), count + 10 * (round + 1));
		before = count;
		store_close(store);
		assert_int_equal(count_files("*/journal/*"), 0);
	}
	assert_true(before > 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_ingest_is_whole_or_absent, setup, teardown),
		cmocka_unit_test_setup_teardown(synced_rows_survive, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
