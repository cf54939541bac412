/*
 * The part of the analysis document that says what visitors spoke: protocols, events, logins.
 */
#pragma once

#include "cmd/analysis.h"

#include <jansson.h>

/* Adds "protocols", "events", "logins", "sessions" to the document.  -ENOMEM. */
ST_MUST_CHECK int analysis_visits_json(json_t *doc, const struct analysis_view *view);

/* Appends the same for a terminal: nothing when nobody said anything.  -ENOMEM. */
ST_MUST_CHECK int analysis_visits_text(struct buf *b, const struct analysis_view *view,
    const struct publish_style *style, const struct command_common *common);

/* How many streams of a protocol. */
struct analysis_protocol {
	const char *name;
	uint64_t streams;
};

/* The protocols met, most streams first.  The caller frees *ret_list. */
ST_MUST_CHECK int analysis_protocols(const struct pipeline *pipeline,
    struct analysis_protocol **ret_list, size_t *ret_count);

/* The logins met, most frequent first; free() the list, not what it points to. */
ST_MUST_CHECK int analysis_logins(const struct pipeline *pipeline,
    const struct login_count ***ret_list, size_t *ret_count);
