/*
 * The sandbox of `teiten`, the program that reads captures a stranger may have written.
 *
 * Applied before the first hostile byte is parsed and never taken back.  It limits what a parser
 * that has been taken over could do: read or write other files, reach the network, start programs.
 */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct os_sandbox_status {
	int landlock_abi; /* 0: this kernel has no Landlock, files are not restricted */
};

/*
 * Limits this process for good.  Afterwards it can
 *  - read the files and folders of read_paths (one that does not exist is skipped: opening it
 *    fails by itself) and what the C library and DuckDB look at (time zones, libraries,
 * /proc/self),
 *  - read, write, make and remove below write_paths (which must exist and cannot be removed
 *    themselves: a temporary folder belongs below one of them),
 *  - use descriptors that are open already, make threads, allocate.
 * Socket calls fail with EPERM; starting a program, tracing and kernel administration kill the
 * process.  Call it while there is one thread only: ST_USAGE otherwise.  A kernel without Landlock
 * is reported in *ret_status (NULL is allowed) and not an error; anything that is supported but
 * cannot be applied is, and then the caller must stop.
 */
ST_MUST_CHECK int os_sandbox_reader(const char *const *read_paths, size_t read_count,
    const char *const *write_paths, size_t write_count, struct os_sandbox_status *ret_status,
    struct err *err);
