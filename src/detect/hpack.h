/*
 * Header compression of HTTP/2 (RFC 7541), the reading side.  Private to detect/.
 */
#pragma once

#include "detect/bytes.h"

#define HPACK_SIZE_DEFAULT 4096u
#define HPACK_SIZE_MAX (64u << 10) /* of the dynamic table, whatever the other side allows */
#define HPACK_STRING_MAX (32u << 10)

/* Zero-initialise, then set limit. */
struct hpack {
	struct bytes lengths; /* of the entries, oldest first: two uint32_t each */
	struct bytes text;    /* names and values of the entries, oldest first */
	size_t limit;
	struct bytes name;    /* of the header that is being read */
	struct bytes value;
};

/*
 * Reads a header block and hands on each header; the bytes live until the callback returns.
 * False: it is damaged, and the table is of no more use.
 */
bool hpack_read(struct budget *budget, struct hpack *table, const uint8_t *data, size_t len,
    void (*header)(void *arg, const uint8_t *name, size_t name_len, const uint8_t *value,
        size_t value_len),
    void *arg);
void hpack_fini(struct budget *budget, struct hpack *table);
