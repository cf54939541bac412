/* Scans that several neighbouring sources share: the part of teiten scans behind --distributed. */
#pragma once

#include "cmd/window.h"

/* Asks, tests and prints; the exit status. */
int scans_shared(const struct command *self, const struct command_common *common,
    struct window *w);
