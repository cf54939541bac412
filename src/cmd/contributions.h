/* The change of all access between two periods, taken apart. */
#pragma once

#include "cmd/window.h"

/*
 * Prints which port × country × sensor the change of all access from the period before is made
 * of, its largest parts, the rest and the whole.  Returns the exit status; COMMAND_NOT_FOUND when
 * no sensor observed in both periods.
 */
int contributions_print(const struct command *self, const struct command_common *common,
    const struct publish_style *style, struct window *w);
