/*
 * The last bytes a worker read, in memory that it shares with the supervisor: when it crashes they are
 * kept, as the next input of a fuzz corpus.
 */
#pragma once

#include "base/status.h"
#include "respond/engine.h"

#include <stddef.h>
#include <stdint.h>

#define LASTINPUT_FOLDER "crash" /* below the store */
#define LASTINPUT_FILES_MAX 100

/* The supervisor's: a memory file for a struct engine_input; closed on exec. */
ST_MUST_CHECK int lastinput_make(int *ret_fd, struct err *err);

/* The worker's: maps it, for engine_options.input. */
ST_MUST_CHECK int lastinput_map(int fd, struct engine_input **ret_input, struct err *err);

/*
 * Keeps what is there as FOLDER/crash/PROGRAM-PORT-TIME.bin, for its owner only.  *ret_path (cap bytes) is the file's name.  ST_LIMIT when there are too many already,
 * ST_NOT_FOUND when nothing had been read.
 */
ST_MUST_CHECK int lastinput_keep(int fd, const char *folder, const char *program, int64_t now_us,
    char *ret_path, size_t cap, struct err *err);
