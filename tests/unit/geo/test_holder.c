/* Tables swapped under threads that look things up: each batch sees one whole table. */
#include "geo/geo.h"
#include "os/file.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define READERS 3
#define SWAPS 400

static char folder[OS_PATH_MAX];
static char tables[2][OS_PATH_MAX + 16];
static struct geo_holder *holder;
static atomic_bool stop;
static atomic_uint mixed; /* batches that saw two tables */
static atomic_uint batches;

static int set_up(void **state)
{
	char in[OS_PATH_MAX + 16];
	const char *files[] = {in};
	struct geo_inputs inputs = {.asn = files, .asn_count = 1};

	(void)state;
	if (os_folder_temporary(NULL, folder, NULL) != ST_OK)
		return -1;
	(void)snprintf(in, sizeof(in), "%s/in", folder);
	for (int i = 0; i < 2; i++) {
		char csv[64];
		int len = snprintf(csv, sizeof(csv), "0.0.0.0,255.255.255.255,%d\n", i + 1);

		(void)snprintf(tables[i], sizeof(tables[i]), "%s/table%d", folder, i);
		if (os_file_write(in, csv, (size_t)len, NULL) != ST_OK ||
		    geo_compile(&inputs, tables[i], NULL) != ST_OK)
			return -1;
	}
	return geo_holder_new(&holder);
}

static int tear_down(void **state)
{
	(void)state;
	geo_holder_free(holder);
	return os_tree_remove(folder, NULL);
}

static struct geo *open_one(int i)
{
	struct geo *geo = NULL;

	assert_int_equal(geo_open(tables[i], &geo, NULL), ST_OK);
	return geo;
}

static void *read_batches(void *arg)
{
	uint32_t addr = 0;

	while (!atomic_load(&stop)) {
		struct geo *geo = geo_holder_acquire(holder);
		uint32_t first = geo_lookup(geo, ip_from_v4(addr)).asn;

		for (int i = 0; i < 256; i++) {
			addr += 0x01000193u;
			if (geo_lookup(geo, ip_from_v4(addr)).asn != first)
				atomic_fetch_add(&mixed, 1);
		}
		if (geo && first == 0)
			atomic_fetch_add(&mixed, 1);
		geo_holder_release(holder, geo);
		atomic_fetch_add(&batches, 1);
	}
	return arg;
}

static void swap_under_readers(void **state)
{
	pthread_t threads[READERS];

	(void)state;
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_batches, NULL), 0);
	for (int i = 0; i < SWAPS || atomic_load(&batches) < 1000; i++)
		geo_holder_swap(holder, i % 7 == 6 ? NULL : open_one(i % 2));
	atomic_store(&stop, true);
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&mixed), 0);
}

static void old_table_lives_as_long_as_its_reader(void **state)
{
	struct geo *old;
	struct geo *again;

	(void)state;
	assert_null(geo_holder_acquire(holder));
	geo_holder_release(holder, NULL);
	geo_holder_swap(holder, open_one(0));
	old = geo_holder_acquire(holder);
	again = geo_holder_acquire(holder);
	assert_ptr_equal(old, again);
	geo_holder_swap(holder, open_one(1));
	geo_holder_release(holder, again);
	assert_int_equal(geo_lookup(old, ip_from_v4(5)).asn, 1);
	geo_holder_release(holder, old);
	old = geo_holder_acquire(holder);
	assert_int_equal(geo_lookup(old, ip_from_v4(5)).asn, 2);
	geo_holder_release(holder, old);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(old_table_lives_as_long_as_its_reader),
	    TEST(swap_under_readers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
