/*
 * SHA-256 (FIPS 180-4) by libcrypto: names of payloads, identity of ingested files.
 */
#pragma once

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define OS_SHA256_LEN 32
#define OS_SHA256_TEXT_MAX 65

/* Before a program is confined: libcrypto reads no file of the system when it is first used, here or
 * by whoever else digests.  Nothing depends on what would be in it. */
void os_digest_prepare(void);

struct os_sha256;

/* A running digest.  The caller frees with os_sha256_free.  -ENOMEM, ST_ENGINE. */
ST_MUST_CHECK int os_sha256_new(struct os_sha256 **ret_sha);

/* A failure is remembered and comes out of os_sha256_finish. */
void os_sha256_update(struct os_sha256 *sha, const void *data, size_t len);

/* Gives the digest and starts anew, so that one object serves many inputs.  ST_ENGINE. */
ST_MUST_CHECK int os_sha256_finish(struct os_sha256 *sha, uint8_t ret_digest[OS_SHA256_LEN]);

void os_sha256_free(struct os_sha256 *sha);

/* One buffer at once. */
ST_MUST_CHECK int os_sha256(const void *data, size_t len, uint8_t ret_digest[OS_SHA256_LEN]);

/* A whole file, read in pieces (any size; "-" is no exception here).  *ret_size may be NULL. */
ST_MUST_CHECK int os_sha256_file(
    const char *path, uint8_t ret_digest[OS_SHA256_LEN], uint64_t *ret_size, struct err *err);

/* 64 lower-case hex digits; returns text. */
const char *os_sha256_format(const uint8_t digest[OS_SHA256_LEN], char text[OS_SHA256_TEXT_MAX]);
