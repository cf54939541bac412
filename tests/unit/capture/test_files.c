/* Real files, several of them, standard input, things that are not captures, filters. */
#include "make.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/teiten-capture-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(dir);
}

static const char *write_file(char path[128], const char *name, const void *data, size_t len)
{
	FILE *f;

	(void)snprintf(path, 128, "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	return path;
}

static struct make small(uint32_t packets)
{
	struct make m = make_new(false);

	put_pcap(&m, PCAP_US, PCAP_2_4, 1);
	for (uint32_t i = 0; i < packets; i++)
		put_record(&m, 1000 + i, 0, 60, 60, (uint8_t)i);
	return m;
}

static void test_several_files_one_after_another(void **state)
{
	struct make m = small(300);
	char paths[3][128];
	const char *names[] = {
	    write_file(paths[0], "a", m.data, make_len(&m)),
	    "/nonexistent/capture.pcap",
	    dir,
	    write_file(paths[1], "empty", "", 0),
	    write_file(paths[2], "cut", m.data, make_len(&m) - 1),
	    paths[0],
	};
	const struct capture_options options = {.names = names, .name_count = 6};
	struct capture_packet packets[CAPTURE_BATCH_MAX];
	const struct capture_file *file = NULL;
	const struct capture_file *files;
	struct capture *capture = NULL;
	uint64_t counts[6] = {0};
	uint64_t done;
	uint64_t total;
	size_t count;
	size_t n;

	(void)state;
	assert_int_equal(capture_open(&options, &capture, NULL), ST_OK);
	files = capture_files(capture, &count);
	assert_int_equal(count, 6);
	while ((n = capture_next(capture, packets, CAPTURE_BATCH_MAX, &file)))
		counts[file - files] += n;
	assert_int_equal(counts[0], 300);
	assert_int_equal(counts[4], 299);
	assert_int_equal(counts[5], 300);
	assert_int_equal(files[0].error, ST_OK);
	assert_int_equal(files[1].error, -ENOENT);
	assert_non_null(strstr(files[1].error_text, "cannot open"));
	assert_int_equal(files[2].error, -EISDIR);
	assert_non_null(strstr(files[2].error_text, "directory"));
	assert_int_equal(files[3].error, ST_TRUNC);
	assert_non_null(strstr(files[3].error_text, "empty"));
	assert_int_equal(files[4].error, ST_TRUNC);
	assert_int_equal(files[4].error_offset, 24 + 299 * 76);
	assert_int_equal(files[5].packets, 300);
	assert_string_equal(files[5].name, paths[0]);
	capture_progress(capture, &done, &total);
	assert_int_equal(total, 0); /* one file has no size */
	assert_int_equal(done, 3 * make_len(&m) - 1);
	capture_close(capture);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(unlink(paths[i]), 0);
	make_free(&m);
}

static void test_progress_and_permission(void **state)
{
	struct make m = small(10);
	char path[128];
	const char *names[] = {write_file(path, "p", m.data, make_len(&m))};
	const struct capture_options options = {.names = names, .name_count = 1};
	struct capture_packet packets[CAPTURE_BATCH_MAX];
	const struct capture_file *file;
	struct capture *capture = NULL;
	uint64_t done;
	uint64_t total;
	size_t count;

	(void)state;
	assert_int_equal(capture_open(&options, &capture, NULL), ST_OK);
	capture_progress(capture, &done, &total);
	assert_int_equal(done, 0);
	assert_int_equal(total, make_len(&m));
	assert_int_equal(capture_next(capture, packets, 4, &file), 4);
	assert_int_equal(capture_next(capture, packets, 100, &file), 6);
	capture_progress(capture, &done, &total);
	assert_int_equal(done, total);
	capture_close(capture);
	if (geteuid() != 0) {
		assert_int_equal(chmod(path, 0), 0);
		assert_int_equal(capture_open(&options, &capture, NULL), ST_OK);
		assert_int_equal(capture_next(capture, packets, 4, &file), 0);
		assert_int_equal(capture_files(capture, &count)->error, -EACCES);
		capture_close(capture);
	}
	assert_int_equal(unlink(path), 0);
	make_free(&m);
}

/* A pipe that is filled in steps too small for anything: magic numbers and records are split. */
static void test_standard_input(void **state)
{
	const char *names[] = {"-"};
	const struct capture_options options = {.names = names, .name_count = 1};
	struct make m = small(200);
	struct result *r = malloc(sizeof(*r));
	struct capture *capture = NULL;
	int saved = dup(STDIN_FILENO);
	int fds[2];
	pid_t child;

	(void)state;
	assert_non_null(r);
	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		for (size_t at = 0; at < make_len(&m);) {
			size_t part = make_len(&m) - at < 5 ? make_len(&m) - at : 5;

			if (write(fds[1], m.data + at, part) < 0)
				_exit(1);
			at += part;
		}
		_exit(0);
	}
	assert_int_equal(close(fds[1]), 0);
	assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	assert_int_equal(capture_open(&options, &capture, NULL), ST_OK);
	read_all(capture, CAPTURE_BATCH_MAX, r);
	assert_int_equal(r->file.error, ST_OK);
	assert_int_equal(r->count, 200);
	capture_close(capture);
	/* Standard input is not ours to close. */
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
	if (saved >= 0) {
		assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
		(void)close(saved);
	}
	(void)close(fds[0]);
	free(r);
	make_free(&m);
}

static void test_what_is_not_a_capture(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		int error;
		const char *text;
	} cases[] = {
	    {"", 0, ST_TRUNC, "empty"},
	    {"abc", 3, ST_MALFORMED, "too short"},
	    {"{\"json\": true}\n", 15, ST_MALFORMED, "not a capture file"},
	    {"BZh91AY&SY", 10, ST_UNSUPPORTED, "bzip2"},
	    {"PK\x03\x04zip", 7, ST_UNSUPPORTED, "ZIP"},
	    {"snoop\0\0\0\0\0\0\2", 12, ST_UNSUPPORTED, "snoop"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result *r = read_memory(cases[i].data, cases[i].len, NULL);

		assert_int_equal(r->count, 0);
		assert_error(r, cases[i].error, 0, cases[i].text);
		assert_int_equal(r->file.format, CAPTURE_UNKNOWN);
		free(r);
	}
	assert_string_equal(capture_format_name(CAPTURE_UNKNOWN), "unknown");
	assert_string_equal(capture_format_name(CAPTURE_PCAP), "pcap");
	assert_string_equal(capture_format_name(CAPTURE_PCAP_NS), "pcap-ns");
	assert_string_equal(capture_format_name(CAPTURE_PCAPNG), "pcapng");
}

/* The same packet raw (link type 101) and behind Ethernet; both must meet one expression. */
static struct make mixed(void)
{
	struct make m = make_new(false);

	put_section(&m);
	put_interface(&m, 101, 0, NO_TSRESOL, 0);
	put_interface(&m, 101, 0, 9, 0);
	for (uint32_t i = 0; i < 4; i++) {
		begin_block(&m, 6);
		put32(&m, i % 2);
		put64(&m, 0);
		put32(&m, sizeof(make_ipv4_syn));
		put32(&m, sizeof(make_ipv4_syn));
		wr_bytes(&m.w, make_ipv4_syn, sizeof(make_ipv4_syn));
		if (i == 3)
			m.w.pos[-17] = 80; /* the lower byte of the destination port */
		end_block(&m);
	}
	return m;
}

static void test_filter(void **state)
{
	struct make m = mixed();
	struct result *r;

	(void)state;
	r = read_memory(m.data, make_len(&m), "tcp dst port 23");
	assert_int_equal(r->file.error, ST_OK);
	assert_int_equal(r->count, 3);
	assert_int_equal(r->file.packets, 4);
	assert_int_equal(r->file.filtered, 1);
	assert_int_equal(r->file.bytes, 160);
	free(r);
	r = read_memory(m.data, make_len(&m), "udp");
	assert_int_equal(r->count, 0);
	assert_int_equal(r->file.packets, 4);
	assert_int_equal(r->file.filtered, 4);
	assert_int_equal(r->file.error, ST_OK);
	free(r);
	r = read_memory(m.data, make_len(&m), "");
	assert_int_equal(r->count, 4);
	free(r);
	make_free(&m);
}

static void test_filter_that_makes_no_sense(void **state)
{
	struct capture *capture = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(capture_open_memory("", 0, "tcp prot 23", &capture, &err), ST_USAGE);
	assert_null(capture);
	assert_non_null(strstr(err.text, "filter 'tcp prot 23'"));
}

static void test_filter_that_does_not_fit_a_link_type(void **state)
{
	struct make m = mixed();
	struct result *r;
	size_t good = make_len(&m);

	(void)state;
	/* Link type 9999 means nothing to libpcap. */
	put_interface(&m, 9999, 0, NO_TSRESOL, 0);
	put_enhanced(&m, 2, 0, 40, 1);
	put_enhanced(&m, 0, 0, 40, 1);
	r = read_memory(m.data, make_len(&m), "tcp dst port 23");
	assert_int_equal(r->count, 3);
	assert_int_equal(r->file.packets, 4);
	assert_error(r, ST_UNSUPPORTED, good + 20 + 28, "link type 9999");
	free(r);
	make_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_several_files_one_after_another),
	    cmocka_unit_test(test_progress_and_permission),
	    cmocka_unit_test(test_standard_input),
	    cmocka_unit_test(test_what_is_not_a_capture),
	    cmocka_unit_test(test_filter),
	    cmocka_unit_test(test_filter_that_makes_no_sense),
	    cmocka_unit_test(test_filter_that_does_not_fit_a_link_type),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
