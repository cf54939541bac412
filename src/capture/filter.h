/*
 * Packet filters: one libpcap expression, compiled for every link type it meets.  Private to
 * capture/.
 */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A hostile pcapng file can name 65536 link types; real ones have one or two. */
#define FILTER_LINKTYPE_MAX 64

struct filter;

/*
 * Compiles expression for Ethernet, which finds mistakes before any file is opened: ST_USAGE.
 * The caller frees with filter_free.
 */
ST_MUST_CHECK int filter_new(const char *expression, struct filter **ret_filter, struct err *err);

/*
 * Chooses the link type of the packets that follow, compiling for it when it is new.
 * ST_UNSUPPORTED when the expression cannot be applied to it; filter_text says why.
 */
ST_MUST_CHECK int filter_select(struct filter *filter, uint16_t linktype);
const char *filter_text(const struct filter *filter);

/* Whether a packet of the selected link type passes. */
bool filter_match(
    const struct filter *filter, const uint8_t *data, uint32_t len, uint32_t wire_len);

void filter_free(struct filter *filter);
