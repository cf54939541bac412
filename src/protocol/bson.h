/*
 * BSON: MongoDB's documents, as far as commands need them.
 *
 * Reading never leaves the reader it is given and never recurses; documents may be cut at their end.
 * bsonspec.org 1.1.
 */
#pragma once

#include "base/rd.h"
#include "protocol/protocol.h"

#define BSON_DEPTH_MAX 8 /* deeper documents are rendered as {…} */

enum bson_type {
	BSON_DOUBLE = 1,
	BSON_TEXT = 2,
	BSON_DOCUMENT = 3,
	BSON_ARRAY = 4,
	BSON_BINARY = 5,
	BSON_BOOL = 8,
	BSON_DATE = 9,
	BSON_INT32 = 16,
	BSON_INT64 = 18,
};

/* The first key of the document that begins at the reader; empty when there is none. */
struct protocol_text bson_first_key(struct rd document);

/* The value of a key of the document itself (not of those inside): a text or binary; empty when it
 * is not there. */
struct protocol_text bson_find_text(struct rd document, const char *key);

/* The same for a document or array; an empty reader when it is not there. */
struct rd bson_find_document(struct rd document, const char *key);

/* Writes the document in the manner of JSON; what does not fit is left out. */
void bson_render(struct rd document, struct wr *w);

struct bson_writer {
	uint8_t *bytes;
	struct wr w;
	size_t open[BSON_DEPTH_MAX];
	unsigned depth;
};

void bson_begin(struct bson_writer *b, uint8_t *bytes, size_t cap);
void bson_open(struct bson_writer *b, enum bson_type type, const char *key);
void bson_shut(struct bson_writer *b);
void bson_text(struct bson_writer *b, const char *key, const char *value);
void bson_binary(struct bson_writer *b, const char *key, const void *value, size_t len);
void bson_int32(struct bson_writer *b, const char *key, int32_t value);
void bson_int64(struct bson_writer *b, const char *key, int64_t value);
void bson_date(struct bson_writer *b, const char *key, int64_t unix_ms);
void bson_double(struct bson_writer *b, const char *key, double value);
void bson_bool(struct bson_writer *b, const char *key, bool value);

/* Ends the outermost document; returns its length, 0 when it did not fit. */
size_t bson_end(struct bson_writer *b);
