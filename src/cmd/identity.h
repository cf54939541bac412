/*
 * The identity of a capture file, worked out beside the analysis: SHA-256 in a thread of its own.
 */
#pragma once

#include "base/status.h"
#include "os/digest.h"

struct identity;

/* Begins to read the file.  path is borrowed until identity_finish. */
ST_MUST_CHECK int identity_begin(const char *path, struct identity **ret_identity,
    struct err *err);

/* Waits for the digest as hex text and frees; NULL text to throw it away. */
int identity_finish(struct identity *identity_take, char *ret_text, struct err *err);
