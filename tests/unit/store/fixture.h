/*
 * A store in a fresh folder and a few rows for it, shared by the store's tests.
 */
#pragma once

/* clang-format off: cmocka needs these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/civil.h"
#include "store/store.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIXTURE_PATH_MAX 256
#define FIXTURE_SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FIXTURE_TIME 1790812800000000ll /* 2026-10-01T00:00:00Z */
#define FIXTURE_DAY 20727               /* 2026-10-01 */

#define OK(call)                                                                                \
	do {                                                                                    \
		struct err err = {0};                                                           \
		int code_ = (call);                                                             \
		if (code_ < 0)                                                                  \
			fail_msg("%s: %d %s", #call, code_, err.text);                          \
	} while (0)

#define FAILS(wanted, call)                                                                       \
	do {                                                                                    \
		struct err err = {0};                                                           \
		assert_int_equal(call, wanted);                                                   \
		assert_int_equal(err.code, wanted);                                               \
		assert_true(err.text[0] != '\0');                                               \
	} while (0)

static inline void fixture_path(char path[FIXTURE_PATH_MAX])
{
	const char *base = getenv("TMPDIR");

	(void)snprintf(path, FIXTURE_PATH_MAX, "%s/teiten-store-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(path));
}

static inline void fixture_remove(const char *path)
{
	char command[FIXTURE_PATH_MAX + 32];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
}

static inline struct store *fixture_open(const char *path, enum store_mode mode, const char *zone)
{
	const struct store_options options = {.path = path, .mode = mode, .timezone = zone,
		.threads = 2};
	struct store *store = NULL;

	OK(store_open(&options, &store, &err));
	return store;
}

/* A SYN to 23/tcp. */
static inline struct record_flow fixture_flow(int64_t time, uint32_t v4)
{
	struct record_flow row = {.time = time, .sensor = 1, .src_lo = IP_V4_PREFIX | v4,
		.proto = 6, .port = 23, .class = RECORD_CLASS_REQUEST, .tcp_flags = 2,
		.packets = 1, .bytes = 40, .dsts = 1, .dst_bits = 1, .ttl = 50,
		.country = {'C', 'N'}, .asn = 64500};

	return row;
}

static inline struct record_coverage fixture_coverage(int64_t time)
{
	struct record_coverage row = {.time = time, .end = time + CIVIL_US_PER_MINUTE, .sensor = 1,
		.addresses = 16, .packets_read = 10, .packets_counted = 8,
		.drops = {"not-ip=2", 8}};

	return row;
}

static inline struct store_ingest *fixture_begin(struct store *store)
{
	const struct store_ingest_options options = {.sensor = 1, .name = "test"};
	struct store_ingest *ingest = NULL;

	OK(store_ingest_begin(store, &options, &ingest, &err));
	return ingest;
}

static inline void fixture_ingest(struct store *store, const struct record_flow *rows,
    size_t count)
{
	struct store_ingest *ingest = fixture_begin(store);

	OK(store_ingest_flow(ingest, rows, count, &err));
	OK(store_ingest_commit(ingest, &err));
}

/* The only number of a person's SELECT. */
static inline int64_t fixture_int(struct store *store, const char *sql)
{
	struct store_result *result = NULL;
	int64_t value;

	OK(store_sql(store, sql, &result, &err));
	assert_int_equal(store_result_rows(result), 1);
	value = store_result_int(result, 0, 0);
	store_result_free(result);
	return value;
}

/* The result as text: columns by '|', rows by newline; the caller frees. */
static inline char *fixture_text(struct store *store, const char *sql)
{
	struct store_result *result = NULL;
	struct buf b = {0};

	OK(store_sql(store, sql, &result, &err));
	for (size_t r = 0; r < store_result_rows(result); r++) {
		for (size_t c = 0; c < store_result_columns(result); c++) {
			if (c)
				buf_putc(&b, '|');
			if (store_result_null(result, r, c))
				buf_puts(&b, "NULL");
			else if (store_result_type(result, c) == STORE_TYPE_TEXT)
				buf_puts(&b, store_result_text(result, r, c));
			else if (store_result_type(result, c) == STORE_TYPE_UINT)
				buf_printf(&b, "%llu",
				    (unsigned long long)store_result_uint(result, r, c));
			else if (store_result_type(result, c) == STORE_TYPE_REAL)
				buf_printf(&b, "%g", store_result_real(result, r, c));
			else
				buf_printf(&b, "%lld",
				    (long long)store_result_int(result, r, c));
		}
		buf_putc(&b, '\n');
	}
	store_result_free(result);
	return buf_take(&b);
}

static inline void fixture_expect(struct store *store, const char *sql, const char *expected)
{
	char *text = fixture_text(store, sql);

	assert_string_equal(text ? text : "", expected);
	free(text);
}
