/* Looking for the damaged file behind a failed question. */
#pragma once

#include "store/internal.h"

/*
 * The first segment of days [from, to) whose size or checksum is not the catalogued one: appends
 * its path and returns true.
 */
bool verify_find_damaged(struct store *store, int32_t from, int32_t to, struct buf *path);
