/*
 * Messages of data/messages and their places.
 *
 * Template format, one message a line: `message.id = text with {name} places`.  # starts a
 * comment line, a line that begins with a tab continues the text (in English after a space).
 * {name|one=packet|other=packets} chooses by the value of name being exactly 1.
 */
#pragma once

#include "publish/publish.h"

/* The template, or NULL.  Static storage. */
const char *publish_message_find(enum publish_language language, const char *id);

/* Appends a template with the values of a sentence. */
void publish_template(struct buf *b, const struct publish_style *style, const char *text,
    const struct report_sentence *sentence);

/* Appends a message that has no places, or ⟦id⟧ when there is none. */
void publish_message(struct buf *b, const struct publish_style *style, const char *id);

/* The same with one integer place. */
void publish_message_integer(struct buf *b, const struct publish_style *style, const char *id,
    const char *name, int64_t integer);

/* The unit's words (件/日・IPアドレス), "" for REPORT_UNIT_NONE. */
void publish_unit(struct buf *b, const struct publish_style *style, enum report_unit unit);

/*
 * Appends text that came from outside: invalid UTF-8 becomes U+FFFD, control characters and
 * direction overrides become visible escapes (\x1b, \u202e).
 */
void publish_outside_text(struct buf *b, const char *text);
