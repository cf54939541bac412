/* SHA-256 against the examples of FIPS 180-4, whole and in pieces. */
#include "os/digest.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void whole(void **state)
{
	uint8_t digest[OS_SHA256_LEN];
	char text[OS_SHA256_TEXT_MAX];

	(void)state;
	assert_int_equal(os_sha256("abc", 3, digest), ST_OK);
	assert_string_equal(os_sha256_format(digest, text), ABC);
	assert_int_equal(os_sha256(NULL, 0, digest), ST_OK);
	assert_string_equal(os_sha256_format(digest, text), EMPTY);
}

static void running(void **state)
{
	uint8_t digest[OS_SHA256_LEN];
	char text[OS_SHA256_TEXT_MAX];
	struct os_sha256 *sha;

	(void)state;
	assert_int_equal(os_sha256_new(&sha), ST_OK);
	os_sha256_update(sha, "a", 1);
	os_sha256_update(sha, "", 0);
	os_sha256_update(sha, "bc", 2);
	assert_int_equal(os_sha256_finish(sha, digest), ST_OK);
	assert_string_equal(os_sha256_format(digest, text), ABC);
	assert_int_equal(os_sha256_finish(sha, digest), ST_OK);
	assert_string_equal(os_sha256_format(digest, text), EMPTY);
	os_sha256_free(sha);
}

static void of_file(void **state)
{
	char folder[OS_PATH_MAX];
	char path[OS_PATH_MAX + 8];
	uint8_t digest[OS_SHA256_LEN];
	char text[OS_SHA256_TEXT_MAX];
	struct err err = {0};
	uint64_t size = 0;

	(void)state;
	assert_int_equal(os_folder_temporary(NULL, folder, &err), ST_OK);
	(void)snprintf(path, sizeof(path), "%s/abc", folder);
	assert_int_equal(os_sha256_file(path, digest, &size, &err), -2);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(os_file_write(path, "abc", 3, &err), ST_OK);
	assert_int_equal(os_sha256_file(path, digest, &size, &err), ST_OK);
	assert_int_equal(size, 3);
	assert_string_equal(os_sha256_format(digest, text), ABC);
	assert_int_equal(os_tree_remove(folder, &err), ST_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole),
	    cmocka_unit_test(running),
	    cmocka_unit_test(of_file),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
