/*
 * Child programs: started by fork and exec with exactly the descriptors that are passed.
 */
#pragma once

#include "base/status.h"

#include <stddef.h>
#include <sys/types.h>

/* The first descriptor that a child gets; the others follow in order. */
#define OS_CHILD_FD 3

/*
 * Starts path with the arguments (ended by NULL).  fds[i] becomes descriptor OS_CHILD_FD + i there;
 * all others but 0 to 2 are closed.  The child is killed when its parent dies, and stays in its
 * process group.
 */
ST_MUST_CHECK int os_process_start(const char *path, const char *const *arguments, const int *fds,
    size_t fd_count, pid_t *ret_pid, struct err *err);

/* A sealed memory file with this content, for what is too long for arguments; closed on exec. */
ST_MUST_CHECK int os_memory_file(const char *name, const void *data, size_t len, int *ret_fd,
    struct err *err);

/* Reads a whole descriptor from its beginning; the caller frees. */
ST_MUST_CHECK int os_memory_read(int fd, size_t max, char **ret_data, size_t *ret_len,
    struct err *err);

/* Folder of the running program, with its trailing slash; for finding its siblings. */
ST_MUST_CHECK int os_program_folder(char *ret_path, size_t cap, struct err *err);

/* Processors that this process may run on, at least 1. */
unsigned os_processors(void);
