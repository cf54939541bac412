/*
 * Files that a list of the configuration names: wildcards filled in, in order.
 */
#pragma once

#include "base/status.h"

#include <stddef.h>

struct config_files {
	const char **names;
	size_t count;
};

/* Adds what a name stands for, sorted; key is for the message.  ST_NOT_FOUND: no file. */
ST_MUST_CHECK int config_files_add(struct config_files *files, const char *key, const char *pattern,
    struct err *err);
void config_files_free(struct config_files *files);
