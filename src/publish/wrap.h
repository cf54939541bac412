/*
 * Lines of a fixed number of display columns: width, kinsoku, wrapping.
 */
#pragma once

#include "publish/publish.h"

#define PUBLISH_TEXT_COLUMNS 70

/* Columns of one code point: 0, 1 or 2. */
size_t publish_width_of(const struct publish_style *style, uint32_t cp);

/* True if a line may end after `before` and the next begin with `after`. */
bool publish_break_allowed(const struct publish_style *style, uint32_t before, uint32_t after);

/*
 * Appends text in lines of at most width columns, each ended by \n: the first begins with `first`,
 * the others with `rest` (indents; they count).  Spaces at a break vanish.  A run that has no
 * break and is longer than a line is cut.  Empty text gives no line.
 */
void publish_wrap(struct buf *b, const struct publish_style *style, const char *text,
    size_t width, const char *first, const char *rest);

/* Appends count times text. */
void publish_repeat(struct buf *b, const char *text, size_t count);
