/*
 * Files and folders: the system calls the other layers need, with errors a person can act on.
 *
 * A file that is written here is complete or absent: temporary name in the same folder, write,
 * fsync, rename, fsync of the folder.  Every error text names the path.
 */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest path handled here, with its NUL. */
#define OS_PATH_MAX 4096

/* Permission bits before the umask. */
#define OS_FILE_MODE 0666
#define OS_FOLDER_MODE 0777

/* A file mapped read-only.  A writer that cuts the file short kills the reader (SIGBUS): map only
 * files that are replaced as a whole. */
struct os_map {
	const uint8_t *data; /* never NULL when mapped */
	size_t len;
};

/* Regular files only.  ST_NOT_FOUND, ST_UNSUPPORTED (a folder, a pipe), -errno. */
ST_MUST_CHECK int os_map_file(const char *path, struct os_map *ret_map, struct err *err);
void os_map_close(struct os_map *map);

/*
 * Reads a whole file of at most limit bytes (pipes too) into memory the caller frees; a NUL that
 * does not count follows the data.  ST_NOT_FOUND, ST_LIMIT, -errno.  ret_len may be NULL.
 */
ST_MUST_CHECK int os_file_read(
    const char *path, size_t limit, char **ret_data, size_t *ret_len, struct err *err);

/* Writes all of it to a descriptor, through interruptions.  -errno: some of it may be written. */
ST_MUST_CHECK int os_fd_write(int fd, const void *data, size_t len);

/* Replaces or creates a file as a whole. */
ST_MUST_CHECK int os_file_write(const char *path, const void *data, size_t len, struct err *err);

/* The same in pieces: begin, write…, then commit or abandon (both free; exactly one of them). */
struct os_replace;

ST_MUST_CHECK int os_replace_begin(
    const char *path, struct os_replace **ret_replace, struct err *err);

/* The temporary file, for a library that writes by itself; open for writing. */
const char *os_replace_path(const struct os_replace *replace);
int os_replace_fd(const struct os_replace *replace);

/* A failure is remembered and comes out of commit, which then leaves the old file alone. */
void os_replace_write(struct os_replace *replace, const void *data, size_t len);

ST_MUST_CHECK int os_replace_commit(struct os_replace *replace_take, struct err *err);
void os_replace_abandon(struct os_replace *replace_take); /* NULL is allowed */

/* fsyncs the file, renames it and fsyncs the folder of `to`. */
ST_MUST_CHECK int os_file_publish(const char *from, const char *to, struct err *err);

/* fsync of a file or folder by its name. */
ST_MUST_CHECK int os_path_sync(const char *path, struct err *err);

/* Removes a file.  ST_NOT_FOUND when there is none. */
ST_MUST_CHECK int os_file_remove(const char *path, struct err *err);

/* Removes a folder and everything below it; symbolic links are removed, not followed.  A depth
 * of more than OS_TREE_DEPTH_MAX is ST_LIMIT.  ST_NOT_FOUND when there is none. */
#define OS_TREE_DEPTH_MAX 16
ST_MUST_CHECK int os_tree_remove(const char *path, struct err *err);

enum os_kind {
	OS_KIND_NONE, /* nothing there */
	OS_KIND_FILE,
	OS_KIND_FOLDER,
	OS_KIND_OTHER,
};

struct os_stat {
	enum os_kind kind;
	uint64_t size;
	int64_t modified_us;
};

/* Follows symbolic links.  Nothing there is OS_KIND_NONE and ST_OK. */
ST_MUST_CHECK int os_path_stat(const char *path, struct os_stat *ret_stat, struct err *err);

/* Makes a folder and the missing ones above it; one that exists is fine. */
ST_MUST_CHECK int os_folder_make(const char *path, struct err *err);

/*
 * Makes a new, empty folder only this user can enter below `parent` (NULL: TMPDIR, else /tmp) and
 * writes its path.  For temporary stores and tests.
 */
ST_MUST_CHECK int os_folder_temporary(
    const char *parent, char ret_path[OS_PATH_MAX], struct err *err);

/*
 * Calls back once per entry, except "." and "..", in no order.  A callback's result other than
 * ST_OK ends the walk and is returned.  ST_NOT_FOUND.
 */
typedef int os_folder_visit(void *ctx, const char *name, enum os_kind kind);
ST_MUST_CHECK int os_folder_list(
    const char *path, os_folder_visit *visit, void *ctx, struct err *err);

/* Bytes of the file system that holds path: in all, and free for this user. */
struct os_space {
	uint64_t total;
	uint64_t available;
};

ST_MUST_CHECK int os_path_space(const char *path, struct os_space *ret_space, struct err *err);

/* The folder part of a path ("." when there is none).  ST_LIMIT when it does not fit. */
ST_MUST_CHECK int os_path_parent(const char *path, char ret_parent[OS_PATH_MAX]);
