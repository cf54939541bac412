/*
 * The result of `teiten analyze` for people and for programs.
 */
#pragma once

#include "base/buf.h"
#include "cmd/command.h"
#include "cmd/inspection.h"
#include "cmd/pipeline.h"
#include "publish/publish.h"

#define ANALYSIS_TOP 10

struct analysis_view {
	const struct pipeline *pipeline;
	bool all; /* complete lists instead of the first ANALYSIS_TOP */
	bool quick; /* much was not examined: see pipeline.h */
	struct zone *zone;
	const struct geo *geo;
	struct inspection *alerts; /* NULL: no rules were given */
};

/* Appends the document "teiten.analysis/1" (design §8). */
ST_MUST_CHECK int analysis_json(struct buf *b, const struct analysis_view *view, struct err *err);

/* Appends the summary for a terminal, in the style's language. */
ST_MUST_CHECK int analysis_text(struct buf *b, const struct analysis_view *view,
    const struct publish_style *style, const struct command_common *common, struct err *err);
