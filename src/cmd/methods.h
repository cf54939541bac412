/*
 * The map of attack methods that the configuration names (signatures.classes), for reports and
 * lists of signatures.
 */
#pragma once

#include "cmd/command.h"
#include "detect/classmap.h"

/* Reads it, before any sandbox; the built-in one without the key.  ST_MALFORMED, ST_NOT_FOUND … */
ST_MUST_CHECK int methods_read(struct classmap **ret_map, struct err *err);

/* The same for commands: COMMAND_OK, or the status after saying what is wrong. */
int methods_open(const struct command *self, struct classmap **ret_map);
