/*
 * Patterns: protocols that are named from their first bytes and not parsed any further.
 *
 * The knowledge is data/protocols.patterns, compiled in; its head explains the format.  Parsed once
 * into a table that is asked by transport, side and first byte.
 */
#pragma once

#include "protocol/protocol.h"

#define PATTERNS_LINES_MAX 1024
#define PATTERNS_NAMES_MAX 256
#define PATTERNS_NAME_MAX 24    /* with its NUL */
#define PATTERNS_SKIP_MAX 250   /* bytes that one `..` may pass over */

struct patterns;

/* From the compiled-in file.  -ENOMEM; ST_MALFORMED is a bug in the file, which a test finds. */
ST_MUST_CHECK int patterns_new(struct patterns **ret_patterns);

/* From a text with a NUL.  ST_MALFORMED names the line. */
ST_MUST_CHECK int patterns_parse(const char *text, struct patterns **ret_patterns, struct err *err);

/* The compiled-in file. */
const char *patterns_builtin(void);

void patterns_free(struct patterns *patterns);

/*
 * Lines are asked in the file's order, those of the client's side first; the first that matches
 * after all before it did not is it, so that more bytes never change a YES or NO.  A side that has
 * said nothing is not asked when the other one has.  With `final` nothing more will come: a line
 * that needs more does not match.  YES sets *ret_number, for patterns_name.
 */
enum protocol_verdict patterns_match(const struct patterns *patterns,
    const struct protocol_start *start, bool final, unsigned *ret_number);

/* How many names there are; numbers are below it. */
unsigned patterns_count(const struct patterns *patterns);

/* The protocol's name; "" for a number there is not. */
const char *patterns_name(const struct patterns *patterns, unsigned number);
