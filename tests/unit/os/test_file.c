/* Files are whole or absent, errors name the path, limits hold. */
#include "os/clock.h"
#include "os/file.h"
#include "os/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[OS_PATH_MAX];
static char path[OS_PATH_MAX + 64];

static const char *in_folder(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int set_up(void **state)
{
	(void)state;
	return os_folder_temporary(NULL, folder, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	return os_tree_remove(folder, NULL);
}

static int count_visit(void *ctx, const char *name, enum os_kind kind)
{
	unsigned *counts = ctx;

	(void)name;
	counts[kind]++;
	return ST_OK;
}

static int stop_visit(void *ctx, const char *name, enum os_kind kind)
{
	(void)ctx;
	(void)name;
	(void)kind;
	return ST_EXISTS;
}

static void write_and_read(void **state)
{
	struct err err = {0};
	struct os_stat st;
	size_t len = 0;
	char *data = NULL;

	(void)state;
	assert_int_equal(os_file_write(in_folder("a"), "one", 3, &err), ST_OK);
	assert_int_equal(os_file_write(path, "second", 6, &err), ST_OK);
	assert_int_equal(os_file_read(path, 6, &data, &len, &err), ST_OK);
	assert_int_equal(len, 6);
	assert_string_equal(data, "second");
	free(data);
	data = NULL;
	assert_int_equal(os_file_read(path, 5, &data, NULL, &err), ST_LIMIT);
	assert_null(data);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(os_path_stat(path, &st, &err), ST_OK);
	assert_int_equal(st.kind, OS_KIND_FILE);
	assert_int_equal(st.size, 6);
	assert_true(llabs(st.modified_us - os_clock_now_us()) < 60 * 1000000ll);
	assert_int_equal(os_file_read(in_folder("none"), 9, &data, NULL, &err), ST_NOT_FOUND);
	assert_int_equal(os_file_read(folder, 9, &data, NULL, &err), -21);
}

static void large_file(void **state)
{
	const size_t size = 300001;
	char *big = malloc(size);
	char *data = NULL;
	size_t len = 0;
	struct os_map map;

	(void)state;
	assert_non_null(big);
	for (size_t i = 0; i < size; i++)
		big[i] = (char)(i * 31 >> 3);
	assert_int_equal(os_file_write(in_folder("big"), big, size, NULL), ST_OK);
	assert_int_equal(os_file_read(path, size, &data, &len, NULL), ST_OK);
	assert_int_equal(len, size);
	assert_memory_equal(data, big, size);
	assert_int_equal(os_map_file(path, &map, NULL), ST_OK);
	assert_int_equal(map.len, size);
	assert_memory_equal(map.data, big, size);
	os_map_close(&map);
	assert_null(map.data);
	os_map_close(&map);
	free(data);
	free(big);
}

static void map_what_is_no_file(void **state)
{
	struct err err = {0};
	struct os_map map = {.data = NULL, .len = 77};

	(void)state;
	assert_int_equal(os_map_file(folder, &map, &err), ST_UNSUPPORTED);
	assert_int_equal(os_map_file(in_folder("none"), &map, &err), ST_NOT_FOUND);
	assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
	assert_int_equal(os_map_file(path, &map, &err), ST_UNSUPPORTED);
	assert_int_equal(map.len, 77);
	assert_int_equal(os_file_write(in_folder("empty"), "", 0, &err), ST_OK);
	assert_int_equal(os_map_file(path, &map, &err), ST_OK);
	assert_int_equal(map.len, 0);
	assert_non_null(map.data);
	os_map_close(&map);
}

static void replace_is_all_or_nothing(void **state)
{
	struct err err = {0};
	struct os_replace *replace = NULL;
	unsigned counts[4] = {0};
	char *data = NULL;

	(void)state;
	assert_int_equal(os_file_write(in_folder("kept"), "old", 3, &err), ST_OK);
	assert_int_equal(os_replace_begin(path, &replace, &err), ST_OK);
	os_replace_write(replace, "new", 3);
	assert_int_equal(os_file_read(path, 9, &data, NULL, &err), ST_OK);
	assert_string_equal(data, "old");
	free(data);
	os_replace_abandon(replace);
	assert_int_equal(os_replace_begin(path, &replace, &err), ST_OK);
	assert_int_equal(close(os_replace_fd(replace)), 0); /* every write fails from here on */
	os_replace_write(replace, "new", 3);
	assert_int_equal(os_replace_commit(replace, &err), -9);
	assert_int_equal(os_file_read(path, 9, &data, NULL, &err), ST_OK);
	assert_string_equal(data, "old");
	free(data);
	assert_int_equal(os_folder_list(folder, count_visit, counts, &err), ST_OK);
	assert_int_equal(counts[OS_KIND_FILE], 1);
	assert_int_equal(os_file_write(in_folder("no/where"), "x", 1, &err), ST_NOT_FOUND);
	os_replace_abandon(NULL);
}

static void publish_and_remove(void **state)
{
	char from[OS_PATH_MAX + 64];
	struct err err = {0};
	struct os_stat st;

	(void)state;
	assert_int_equal(os_file_write(in_folder("from"), "x", 1, &err), ST_OK);
	memcpy(from, path, sizeof(from));
	assert_int_equal(os_file_publish(from, in_folder("to"), &err), ST_OK);
	assert_int_equal(os_path_stat(from, &st, &err), ST_OK);
	assert_int_equal(st.kind, OS_KIND_NONE);
	assert_int_equal(os_file_remove(path, &err), ST_OK);
	assert_int_equal(os_file_remove(path, &err), ST_NOT_FOUND);
}

static void folders(void **state)
{
	struct err err = {0};
	unsigned counts[4] = {0};
	struct os_space space = {0};
	struct os_stat st;
	char parent[OS_PATH_MAX];

	(void)state;
	assert_int_equal(os_folder_make(in_folder("x/y//z"), &err), ST_OK);
	assert_int_equal(os_folder_make(path, &err), ST_OK);
	assert_int_equal(os_path_stat(path, &st, &err), ST_OK);
	assert_int_equal(st.kind, OS_KIND_FOLDER);
	assert_int_equal(os_file_write(in_folder("x/file"), "x", 1, &err), ST_OK);
	assert_int_equal(os_folder_make(in_folder("x/file/sub"), &err), -20);
	assert_int_equal(symlink("/nowhere", in_folder("x/link")), 0);
	assert_int_equal(os_folder_list(in_folder("x"), count_visit, counts, &err), ST_OK);
	assert_int_equal(counts[OS_KIND_FILE], 1);
	assert_int_equal(counts[OS_KIND_FOLDER], 1);
	assert_int_equal(counts[OS_KIND_OTHER], 1);
	assert_int_equal(os_folder_list(path, stop_visit, NULL, &err), ST_EXISTS);
	assert_int_equal(os_folder_list(in_folder("none"), stop_visit, NULL, &err), ST_NOT_FOUND);
	assert_int_equal(os_path_space(folder, &space, &err), ST_OK);
	assert_true(space.total > 0 && space.available <= space.total);
	assert_int_equal(os_path_parent("a/b", parent), ST_OK);
	assert_string_equal(parent, "a");
	assert_int_equal(os_path_parent("b", parent), ST_OK);
	assert_string_equal(parent, ".");
	assert_int_equal(os_path_parent("/b", parent), ST_OK);
	assert_string_equal(parent, "/");
}

static void tree_remove_stays_inside(void **state)
{
	char outside[OS_PATH_MAX];
	char link[OS_PATH_MAX + 64];
	struct err err = {0};
	struct os_stat st;
	char deep[OS_PATH_MAX + 128];
	size_t used;

	(void)state;
	assert_int_equal(os_folder_temporary(NULL, outside, &err), ST_OK);
	assert_int_equal(os_folder_make(in_folder("t/a/b"), &err), ST_OK);
	assert_int_equal(os_folder_make(in_folder("t/c"), &err), ST_OK);
	assert_int_equal(os_file_write(in_folder("t/a/f"), "x", 1, &err), ST_OK);
	memcpy(link, in_folder("t/a/b/link"), sizeof(link));
	assert_int_equal(symlink(outside, link), 0);
	assert_int_equal(os_tree_remove(in_folder("t"), &err), ST_OK);
	assert_int_equal(os_path_stat(path, &st, &err), ST_OK);
	assert_int_equal(st.kind, OS_KIND_NONE);
	assert_int_equal(os_path_stat(outside, &st, &err), ST_OK);
	assert_int_equal(st.kind, OS_KIND_FOLDER);
	assert_int_equal(os_tree_remove(outside, &err), ST_OK);
	assert_int_equal(os_tree_remove(outside, &err), ST_NOT_FOUND);
	/* One folder deeper than the limit is refused, and taken once it is not. */
	used = (size_t)snprintf(deep, sizeof(deep), "%s/d", folder);
	for (int i = 0; i < OS_TREE_DEPTH_MAX; i++) {
		memcpy(deep + used, "/d", 3);
		used += 2;
	}
	assert_int_equal(os_folder_make(deep, &err), ST_OK);
	assert_int_equal(os_file_write(in_folder("x"), "", 0, &err), ST_OK);
	(void)snprintf(deep + used, sizeof(deep) - used, "/f");
	assert_int_equal(os_file_write(deep, "", 0, &err), ST_OK);
	assert_int_equal(os_tree_remove(in_folder("d"), &err), ST_LIMIT);
	(void)snprintf(path, sizeof(path), "%s/d/d/d", folder);
	assert_int_equal(os_tree_remove(path, &err), ST_OK);
}

static void terminal_and_clock(void **state)
{
	int64_t before = os_clock_monotonic_us();
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_false(os_terminal_is(fds[1]));
	assert_int_equal(os_terminal_columns(fds[1]), OS_TERMINAL_COLUMNS_DEFAULT);
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)usleep(2000);
	assert_true(os_clock_monotonic_us() - before >= 2000);
	assert_true(os_clock_now_us() > 1700000000ll * 1000000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(write_and_read),
	    TEST(large_file),
	    TEST(map_what_is_no_file),
	    TEST(replace_is_all_or_nothing),
	    TEST(publish_and_remove),
	    TEST(folders),
	    TEST(tree_remove_stays_inside),
	    TEST(terminal_and_clock),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
