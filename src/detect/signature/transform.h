/* What rules do to a buffer before they look into it.  Private to detect/. */
#pragma once

#include "detect/signature/rule.h"

#define TRANSFORM_OUT_MAX (160u << 10) /* what is longer is cut */

/* Applies every transform of the view.  The result lies in data itself, or in one of the two
 * buffers of TRANSFORM_OUT_MAX bytes. */
const uint8_t *transform_apply(const struct rule_view *view, const uint8_t *data, size_t len,
    uint8_t *a, uint8_t *b, size_t *ret_len);
