/*
 * Attacks and roles in the summary of an analysis.
 */
#pragma once

#include "cmd/analysis.h"

/* Appends tables of the roles of sources and of the attacks found, where there are any. */
void analysis_judged_text(struct buf *b, const struct analysis_view *view,
    const struct publish_style *style, const struct command_common *common);
