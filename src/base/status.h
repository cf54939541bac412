/*
 * Error codes and the one error object.
 *
 * Every function that can fail returns int: ST_OK, or a negative code (an -errno or one of the
 * ST_ codes below, which start at -1000 so that the two never meet).  Functions of the control
 * plane (files, configuration, store, SQL) also take a struct err, in which the place that knows
 * most writes one sentence for a person; it is printed once, by the program, at the top.
 *
 * Hostile bytes never reach this file as text: a message that quotes input escapes it first.
 */
#pragma once

#include <stddef.h>

#define ST_MUST_CHECK __attribute__((warn_unused_result))
#define ST_PRINTF(fmt_idx, arg_idx) __attribute__((format(printf, fmt_idx, arg_idx)))

enum st_code {
	ST_OK = 0,
	ST_TRUNC = -1000,       /* the input ends too early */
	ST_MALFORMED = -1001,   /* the input contradicts its format */
	ST_UNSUPPORTED = -1002, /* valid, but not handled here */
	ST_LIMIT = -1003,       /* a declared limit is reached */
	ST_NOT_FOUND = -1004,   /* what was asked for does not exist */
	ST_EXISTS = -1005,      /* what was to be added is there already */
	ST_USAGE = -1006,       /* the caller's (person's) request makes no sense */
	ST_ENGINE = -1007,      /* a library (SQLite, DuckDB, ICU …) failed; the text says how */
};

#define ERR_TEXT_MAX 600

/* Zero-initialise before use; err_set overwrites. */
struct err {
	int code;
	char text[ERR_TEXT_MAX];
};

/* Writes code and a formatted sentence into err (NULL is allowed); returns code. */
int err_set(struct err *err, int code, const char *fmt, ...) ST_PRINTF(3, 4);

/* Puts "PREFIX: " in front of the text already in err; returns err's code. */
int err_prefix(struct err *err, const char *fmt, ...) ST_PRINTF(2, 3);

/* One phrase for a code: strerror for -errno, own words for ST_ codes.  Static storage. */
const char *st_text(int code);
