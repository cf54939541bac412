/*
 * What one address spoke, tried, typed and left: the part of `teiten who` that comes from the
 * tables of sessions.
 */
#pragma once

#include "cmd/window.h"

enum who_list {
	WHO_PROTOCOLS,
	WHO_LOGINS,
	WHO_COMMANDS,
	WHO_PAYLOADS,
	WHO_ALERTS,
	WHO_LISTS,
};

struct who_records {
	struct store_result *lists[WHO_LISTS]; /* NULL until loaded */
	bool credentials; /* people see passwords in full */
};

/* hi and lo: SQL of the address; at most n rows of each list.  who_records_fini frees always. */
ST_MUST_CHECK int who_records_load(struct who_records *records, struct window *w, const char *hi,
    const char *lo, size_t n, struct err *err);
void who_records_fini(struct who_records *records);

/* Appends the members "protocols": […], "logins": […], "commands": […], "payloads": […]. */
void who_records_json(const struct who_records *records, struct buf *b);

/* Appends a block of lines for each list that has rows; the heading is printed by `heading`. */
void who_records_people(const struct who_records *records, const struct publish_style *style,
    void (*heading)(void *arg, const char *ja, const char *en, struct buf *b), void *arg,
    struct buf *b);
