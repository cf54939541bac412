/*
 * Escaping for the formats of the editions.  Input is UTF-8; nothing is ever trusted.
 */
#pragma once

#include "base/buf.h"

/* For element content and quoted attributes of HTML, XML and SVG. */
void publish_escape_html(struct buf *b, const char *text);

/* For running text of Markdown: nothing in it becomes markup, HTML or a link. */
void publish_escape_markdown(struct buf *b, const char *text);

/* A JSON string with its quotes; also a YAML scalar. */
void publish_escape_json(struct buf *b, const char *text);

/*
 * A field of CSV (RFC 4180), quoted where needed.  `outside` text that a spreadsheet would take for
 * a formula gets an apostrophe in front.
 */
void publish_escape_csv(struct buf *b, const char *text, bool outside);
