/*
 * Thrift's compact protocol, the writing half: Parquet's headers and footer are Thrift structs.
 *
 * Fields are written in the order of their numbers; a struct that is an element of a list has
 * the number 0.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define THRIFT_DEPTH_MAX 12

enum thrift_type {
	THRIFT_TRUE = 1,
	THRIFT_FALSE = 2,
	THRIFT_I32 = 5,
	THRIFT_I64 = 6,
	THRIFT_BINARY = 8,
	THRIFT_LIST = 9,
	THRIFT_STRUCT = 12,
};

struct thrift {
	struct buf *out;
	int last[THRIFT_DEPTH_MAX]; /* number of the last field of the structs that are open */
	unsigned depth;
};

/* A struct at the top. */
struct thrift thrift_begin(struct buf *out);
void thrift_end(struct thrift *thrift);

void thrift_struct(struct thrift *thrift, int id);
void thrift_struct_end(struct thrift *thrift);
void thrift_bool(struct thrift *thrift, int id, bool value);
void thrift_int(struct thrift *thrift, int id, enum thrift_type type, int64_t value);
void thrift_binary(struct thrift *thrift, int id, const void *data, size_t len);

/* A list's head; then come count elements, structs or those of thrift_element_…. */
void thrift_list(struct thrift *thrift, int id, enum thrift_type element, size_t count);
void thrift_element_int(struct thrift *thrift, int64_t value);
void thrift_element_binary(struct thrift *thrift, const void *data, size_t len);
