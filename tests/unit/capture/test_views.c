/* Views that outlive the next call hold what they held until settle has been called for them. */
#include "make.h"

#include <unistd.h>

#define FILE_MAX (16u << 20)
#define PACKETS 20000u
#define WAITING_MAX (4u * (WINDOW_BUFFERS + 1) * (WINDOW_READ_SIZE + WINDOW_ROOM))

/* What a slow reader has not looked at yet. */
struct reader {
	struct capture_packet packets[4 * PACKETS];
	size_t count;
	size_t checked;
	size_t ends[PACKETS]; /* of batches: how many packets had come by then */
	uint64_t batches;
	uint64_t settled; /* batches */
	uint64_t waiting; /* bytes */
	uint64_t most_waiting;
	unsigned asked;
};

/* Lengths that fit the window well and badly. */
static uint32_t len_of(unsigned i, uint32_t large)
{
	if (i % 997 == 996)
		return 65535;
	if (i == PACKETS / 2 || i == PACKETS / 2 + 1)
		return large;
	return 4 + i * 7 % 90;
}

static uint8_t fill_of(const struct capture_packet *p)
{
	return (uint8_t)(p->time_us * 31 + p->len);
}

static void write_capture(const char *path, bool ng, uint32_t large)
{
	struct make m = {.data = malloc(FILE_MAX)};
	FILE *f = fopen(path, "wb");

	assert_non_null(m.data);
	assert_non_null(f);
	m.w = wr_init(m.data, FILE_MAX);
	if (ng) {
		put_section(&m);
		put_interface(&m, 1, 0, NO_TSRESOL, 0);
	} else {
		put_pcap(&m, PCAP_US, PCAP_2_4, 1);
	}
	for (unsigned i = 0; i < PACKETS; i++) {
		uint32_t len = len_of(i, large);
		struct capture_packet p = {.time_us = i, .len = len};

		if (ng && i % 500 == 499) {
			begin_block(&m, 0x0bad); /* of no use to anybody, and sometimes long */
			put_zeros(&m, i % 4000 == 3999 ? 700000 : 8);
			end_block(&m);
		}
		if (ng)
			put_enhanced(&m, 0, i, len, fill_of(&p));
		else
			put_record(&m, 0, i, len, len, fill_of(&p));
	}
	assert_int_equal(fwrite(m.data, 1, make_len(&m), f), make_len(&m));
	assert_int_equal(fclose(f), 0);
	make_free(&m);
}

static void look(struct reader *r, size_t end)
{
	for (; r->checked < end; r->checked++) {
		const struct capture_packet *p = &r->packets[r->checked];
		uint8_t fill = fill_of(p);
		size_t same = 0;

		while (same < p->len && p->data[same] == fill)
			same++;
		assert_int_equal(same, p->len);
		r->waiting -= p->len;
	}
}

static void settle(void *arg, uint64_t batch)
{
	struct reader *r = arg;

	r->asked++;
	assert_true(batch <= r->batches);
	if (batch > r->settled) {
		look(r, r->ends[batch - 1]);
		r->settled = batch;
	}
}

/* Nothing is looked at before somebody waits for it. */
static struct reader *read_slowly(const char *const *names, size_t count, const char *filter,
    size_t batch)
{
	struct reader *r = calloc(1, sizeof(*r));
	const struct capture_options options = {
		.names = names, .name_count = count, .filter = filter,
		.settle = settle, .settle_arg = r,
	};
	struct capture *capture = NULL;
	const struct capture_file *file;
	size_t n;

	assert_non_null(r);
	assert_int_equal(capture_open(&options, &capture, NULL), ST_OK);
	while ((n = capture_next(capture, r->packets + r->count, batch, &file))) {
		for (size_t i = 0; i < n; i++)
			r->waiting += r->packets[r->count + i].len;
		r->count += n;
		r->ends[r->batches++] = r->count;
		r->most_waiting = r->waiting > r->most_waiting ? r->waiting : r->most_waiting;
		assert_true(r->batches < PACKETS);
	}
	for (size_t i = 0; i < count; i++)
		assert_int_equal(capture_files(capture, &n)[i].error, ST_OK);
	look(r, r->count);
	capture_close(capture);
	return r;
}

static void test_views_hold(void **state)
{
	char dir[] = "/tmp/teiten-views-XXXXXX";
	char paths[2][64];
	const char *names[4] = {paths[0], paths[1], paths[1], paths[0]};

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (unsigned i = 0; i < 2; i++)
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/%u", dir, i);
	write_capture(paths[0], false, 100);
	write_capture(paths[1], true, 100);
	for (size_t batch = 8; batch <= CAPTURE_BATCH_MAX; batch += CAPTURE_BATCH_MAX - 8) {
		struct reader *r = read_slowly(names, 4, NULL, batch);

		assert_int_equal(r->count, 4 * PACKETS);
		assert_true(r->asked > 20);
		assert_true(r->most_waiting > WINDOW_READ_SIZE);
		assert_true(r->most_waiting < WAITING_MAX);
		free(r);
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(unlink(paths[i]), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* Packets that are larger than a buffer, and the small ones around them. */
static void test_large_packets(void **state)
{
	char dir[] = "/tmp/teiten-views-XXXXXX";
	char paths[2][64];
	const char *names[3] = {paths[0], paths[1], paths[0]};

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (unsigned i = 0; i < 2; i++) {
		struct reader *r;

		(void)snprintf(paths[i], sizeof(paths[i]), "%s/%u", dir, i);
		write_capture(paths[i], i == 1, 3u << 20);
		r = read_slowly(names, i + 1, NULL, CAPTURE_BATCH_MAX);
		assert_int_equal(r->count, (i + 1) * PACKETS);
		free(r);
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(unlink(paths[i]), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* Batches that the filter leaves nothing of are none. */
static void test_filter(void **state)
{
	char dir[] = "/tmp/teiten-views-XXXXXX";
	char path[64];
	const char *names[1] = {path};
	struct reader *r;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/0", dir);
	write_capture(path, false, 100);
	r = read_slowly(names, 1, "len >= 1000", CAPTURE_BATCH_MAX);
	assert_int_equal(r->count, PACKETS / 997);
	free(r);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_views_hold),
		cmocka_unit_test(test_large_packets),
		cmocka_unit_test(test_filter),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
