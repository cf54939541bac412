/*
 * Blobs that visitors leave, put together from the pieces in which they come.
 *
 * Each is hashed from its first byte to its last and kept up to BLOBS_KEEP; all that is being put
 * together at a time is bounded, and what finds no room is hashed only.
 */
#pragma once

#include "base/status.h"
#include "protocol/blob.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOBS_KEEP (1u << 20)          /* bytes of one blob */
#define BLOBS_MEMORY (64u << 20)       /* of all that are open */
#define BLOBS_HEAD BLOB_PREFIX_MAX     /* first bytes, kept in any case: they tell the kind */
#define BLOBS_NAME 255

struct blobs;

struct blob {
	struct blob *next; /* of the same session */
	unsigned number;
	uint64_t size;
	uint8_t *data;     /* NULL: not kept */
	size_t cap;
	bool too_large;    /* data is not all of it */
	uint8_t head[BLOBS_HEAD];
	char name[BLOBS_NAME];
	uint8_t name_len;
	void *digest;
};

ST_MUST_CHECK int blobs_new(struct blobs **ret_blobs);
void blobs_free(struct blobs *blobs);

/* The open blob of that number in a session's list, a new one when there is none; NULL without
 * memory. */
struct blob *blobs_open(struct blobs *blobs, struct blob **list, unsigned number);

/* A name that is not empty replaces the one before. */
void blobs_name(struct blob *blob, const char *name, size_t len);
void blobs_add(struct blobs *blobs, struct blob *blob, const void *data, size_t len);

/* The SHA-256 of all bytes as 64 hex digits. */
void blobs_digest(const struct blob *blob, char ret_hex[65]);

/* Takes it from the list and forgets it. */
void blobs_close(struct blobs *blobs, struct blob **list, struct blob *blob);
