/*
 * What judging needs beside the rows: thresholds and research networks of the configuration, as
 * the store takes them.
 */
#pragma once

#include "detect/role.h"
#include "store/store.h"

/* The built-in networks and those of detect.research, read once and valid for good.  An
 * error names file and line.  Reads files: call it before the sandbox. */
ST_MUST_CHECK int judging_research(const struct research **ret_research, struct err *err);

/* Puts settings and research into the options of a store.  Likewise before the sandbox. */
ST_MUST_CHECK int judging_options(struct store_options *options, struct err *err);
