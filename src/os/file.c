/* Files and folders; the contract is in file.h. */
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define READ_STEP (1u << 16)
#define TEMPORARY_TRIES 100

struct os_replace {
	int fd;
	int failed; /* 0, or the first -errno */
	char path[OS_PATH_MAX];
	char temporary[OS_PATH_MAX];
};

/* Writes "PATH: cannot WHAT: reason"; a missing file has its own code. */
static int path_error(struct err *err, const char *path, const char *what, int error)
{
	int code = error == ENOENT ? ST_NOT_FOUND : -error;

	return err_set(err, code, "%s: cannot %s: %s", path, what, st_text(-error));
}

static int open_retry(const char *path, int flags, mode_t mode)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	return fd;
}

int os_map_file(const char *path, struct os_map *ret_map, struct err *err)
{
	/* O_NONBLOCK: a pipe given by mistake must not wait for a writer. */
	int fd = open_retry(path, O_RDONLY | O_NONBLOCK, 0);
	struct stat st;
	void *data;
	int ret = ST_OK;

	if (fd < 0)
		return path_error(err, path, "open", errno);
	if (fstat(fd, &st) != 0) {
		ret = path_error(err, path, "examine", errno);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		ret = err_set(err, ST_UNSUPPORTED, "%s: not a regular file", path);
		goto out;
	}
	if ((uint64_t)st.st_size > SIZE_MAX / 2) {
		ret = err_set(err, ST_LIMIT, "%s: too large to map", path);
		goto out;
	}
	if (st.st_size == 0) {
		*ret_map = (struct os_map){.data = (const uint8_t *)"", .len = 0};
		goto out;
	}
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED) {
		ret = path_error(err, path, "map", errno);
		goto out;
	}
	*ret_map = (struct os_map){.data = data, .len = (size_t)st.st_size};
out:
	(void)close(fd);
	return ret;
}

void os_map_close(struct os_map *map)
{
	if (map->data && map->len)
		(void)munmap((void *)(uintptr_t)map->data, map->len);
	*map = (struct os_map){.data = NULL, .len = 0};
}

/* Reads until the end or until more than limit bytes are there. */
static int read_all(int fd, size_t limit, char **data, size_t *len)
{
	size_t cap = 0;

	for (;;) {
		ssize_t n;

		if (cap - *len < 2) {
			size_t more = cap ? cap : READ_STEP;
			char *grown = realloc(*data, cap + more);

			if (!grown)
				return -ENOMEM;
			*data = grown;
			cap += more;
		}
		n = read(fd, *data + *len, cap - *len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		*len += (size_t)n;
		if (*len > limit)
			return ST_LIMIT;
	}
	(*data)[*len] = '\0';
	return ST_OK;
}

int os_file_read(const char *path, size_t limit, char **ret_data, size_t *ret_len, struct err *err)
{
	int fd = open_retry(path, O_RDONLY, 0);
	char *data = NULL;
	size_t len = 0;
	int ret;

	if (fd < 0)
		return path_error(err, path, "open", errno);
	ret = read_all(fd, limit, &data, &len);
	(void)close(fd);
	if (ret == ST_LIMIT)
		(void)err_set(err, ret, "%s: larger than %zu bytes", path, limit);
	else if (ret != ST_OK)
		(void)path_error(err, path, "read", -ret);
	if (ret != ST_OK) {
		free(data);
		return ret;
	}
	*ret_data = data;
	if (ret_len)
		*ret_len = len;
	return ST_OK;
}

int os_path_parent(const char *path, char ret_parent[OS_PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 1;

	if (len >= OS_PATH_MAX)
		return ST_LIMIT;
	if (!slash)
		memcpy(ret_parent, ".", 2);
	else if (len == 0)
		memcpy(ret_parent, "/", 2);
	else {
		memcpy(ret_parent, path, len);
		ret_parent[len] = '\0';
	}
	return ST_OK;
}

int os_path_sync(const char *path, struct err *err)
{
	int fd = open_retry(path, O_RDONLY, 0);
	int ret = ST_OK;

	if (fd < 0)
		return path_error(err, path, "open", errno);
	/* Some file systems have no fsync for folders and say EINVAL: nothing to wait for. */
	if (fsync(fd) != 0 && errno != EINVAL)
		ret = path_error(err, path, "sync", errno);
	(void)close(fd);
	return ret;
}

static int sync_parent(const char *path, struct err *err)
{
	char parent[OS_PATH_MAX];

	if (os_path_parent(path, parent) != ST_OK)
		return err_set(err, ST_LIMIT, "%.200s…: path too long", path);
	return os_path_sync(parent, err);
}

/* ".NAME.tmp-PID-N" beside path: hidden, unique in this process, told apart between processes.
 * Created by open, not mkstemp, so that the umask decides about its permissions. */
static int temporary_name(const char *path, char text[OS_PATH_MAX])
{
	static atomic_uint counter;
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	int n = snprintf(text, OS_PATH_MAX, "%.*s.%s.tmp-%ld-%u", (int)(name - path), path, name,
	    (long)getpid(), atomic_fetch_add(&counter, 1));

	return n < 0 || n >= OS_PATH_MAX ? ST_LIMIT : ST_OK;
}

int os_replace_begin(const char *path, struct os_replace **ret_replace, struct err *err)
{
	struct os_replace *r;

	if (strlen(path) >= OS_PATH_MAX)
		return err_set(err, ST_LIMIT, "%.200s…: path too long", path);
	r = calloc(1, sizeof(*r));
	if (!r)
		return err_set(err, -ENOMEM, "%s: out of memory", path);
	r->fd = -1;
	(void)snprintf(r->path, sizeof(r->path), "%s", path);
	for (int i = 0; i < TEMPORARY_TRIES && r->fd < 0; i++) {
		if (temporary_name(path, r->temporary) != ST_OK) {
			free(r);
			return err_set(err, ST_LIMIT, "%.200s…: path too long", path);
		}
		r->fd = open_retry(r->temporary, O_WRONLY | O_CREAT | O_EXCL, OS_FILE_MODE);
		if (r->fd < 0 && errno != EEXIST)
			break;
	}
	if (r->fd < 0) {
		int ret = path_error(err, path, "create", errno);

		free(r);
		return ret;
	}
	*ret_replace = r;
	return ST_OK;
}

const char *os_replace_path(const struct os_replace *replace)
{
	return replace->temporary;
}

int os_replace_fd(const struct os_replace *replace)
{
	return replace->fd;
}

int os_fd_write(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return ST_OK;
}

void os_replace_write(struct os_replace *replace, const void *data, size_t len)
{
	if (!replace->failed)
		replace->failed = os_fd_write(replace->fd, data, len);
}

void os_replace_abandon(struct os_replace *replace_take)
{
	if (!replace_take)
		return;
	if (replace_take->fd >= 0)
		(void)close(replace_take->fd);
	(void)unlink(replace_take->temporary);
	free(replace_take);
}

int os_replace_commit(struct os_replace *replace_take, struct err *err)
{
	struct os_replace *r = replace_take;
	int fd = r->fd;
	int ret;

	if (r->failed) {
		ret = path_error(err, r->path, "write", -r->failed);
		goto fail;
	}
	if (fsync(fd) != 0) {
		ret = path_error(err, r->path, "sync", errno);
		goto fail;
	}
	r->fd = -1;
	if (close(fd) != 0) {
		ret = path_error(err, r->path, "write", errno);
		goto fail;
	}
	if (rename(r->temporary, r->path) != 0) {
		ret = path_error(err, r->path, "replace", errno);
		goto fail;
	}
	ret = sync_parent(r->path, err);
	free(r);
	return ret;
fail:
	os_replace_abandon(r);
	return ret;
}

int os_file_write(const char *path, const void *data, size_t len, struct err *err)
{
	struct os_replace *r;
	int ret = os_replace_begin(path, &r, err);

	if (ret != ST_OK)
		return ret;
	os_replace_write(r, data, len);
	return os_replace_commit(r, err);
}

int os_file_publish(const char *from, const char *to, struct err *err)
{
	int ret = os_path_sync(from, err);

	if (ret != ST_OK)
		return ret;
	if (rename(from, to) != 0)
		return path_error(err, to, "replace", errno);
	return sync_parent(to, err);
}

int os_file_remove(const char *path, struct err *err)
{
	if (unlink(path) != 0)
		return path_error(err, path, "remove", errno);
	return ST_OK;
}

static enum os_kind kind_of(mode_t mode)
{
	if (S_ISREG(mode))
		return OS_KIND_FILE;
	return S_ISDIR(mode) ? OS_KIND_FOLDER : OS_KIND_OTHER;
}

int os_path_stat(const char *path, struct os_stat *ret_stat, struct err *err)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return path_error(err, path, "examine", errno);
		*ret_stat = (struct os_stat){.kind = OS_KIND_NONE};
		return ST_OK;
	}
	*ret_stat = (struct os_stat){
	    .kind = kind_of(st.st_mode),
	    .size = st.st_size > 0 ? (uint64_t)st.st_size : 0,
	    .modified_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000,
	};
	return ST_OK;
}

int os_folder_make(const char *path, struct err *err)
{
	char part[OS_PATH_MAX];
	size_t len = strlen(path);
	struct stat st;

	if (len == 0 || len >= sizeof(part))
		return err_set(err, ST_LIMIT, "%.200s: no usable folder name", path);
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		if (mkdir(part, OS_FOLDER_MODE) != 0 && errno != EEXIST) {
			int error = errno;

			/* A folder above may exist where nothing can be made (read-only). */
			if (stat(part, &st) != 0 || !S_ISDIR(st.st_mode))
				return path_error(err, part, "make folder", error);
		}
		part[i] = path[i];
	}
	if (stat(path, &st) != 0)
		return path_error(err, path, "make folder", errno);
	if (!S_ISDIR(st.st_mode))
		return path_error(err, path, "make folder", ENOTDIR);
	return ST_OK;
}

int os_folder_temporary(const char *parent, char ret_path[OS_PATH_MAX], struct err *err)
{
	char text[OS_PATH_MAX];
	int n;

	if (!parent)
		parent = getenv("TMPDIR");
	if (!parent || !*parent)
		parent = "/tmp";
	n = snprintf(text, sizeof(text), "%s/teiten-XXXXXX", parent);
	if (n < 0 || (size_t)n >= sizeof(text))
		return err_set(err, ST_LIMIT, "%.200s…: path too long", parent);
	if (!mkdtemp(text))
		return path_error(err, parent, "make a temporary folder in it", errno);
	memcpy(ret_path, text, (size_t)n + 1);
	return ST_OK;
}

/* What an entry is, from readdir where the file system says so, else by a look. */
static enum os_kind entry_kind(int dir_fd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type == DT_REG)
		return OS_KIND_FILE;
	if (entry->d_type == DT_DIR)
		return OS_KIND_FOLDER;
	if (entry->d_type == DT_UNKNOWN &&
	    fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return kind_of(st.st_mode);
	return OS_KIND_OTHER;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int os_folder_list(const char *path, os_folder_visit *visit, void *ctx, struct err *err)
{
	DIR *dir = opendir(path);
	int ret = ST_OK;

	if (!dir)
		return path_error(err, path, "list", errno);
	while (ret == ST_OK) {
		struct dirent *entry;

		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			if (errno)
				ret = path_error(err, path, "list", errno);
			break;
		}
		if (!is_dots(entry->d_name))
			ret = visit(ctx, entry->d_name, entry_kind(dirfd(dir), entry));
	}
	(void)closedir(dir);
	return ret;
}

/* Removes what is in the open folder; descends by returning the first subfolder it cannot remove
 * in *ret_sub (1), or says that the folder is empty now (0). */
static int empty_folder(DIR *dir, char ret_sub[NAME_MAX + 1])
{
	struct dirent *entry;

	rewinddir(dir);
	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return errno ? -errno : 0;
		if (is_dots(entry->d_name))
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			continue;
		if (errno != EISDIR && errno != EPERM)
			return -errno;
		if (unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR) == 0)
			continue;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
		(void)snprintf(ret_sub, NAME_MAX + 1, "%s", entry->d_name);
		return 1;
	}
}

int os_tree_remove(const char *path, struct err *err)
{
	DIR *stack[OS_TREE_DEPTH_MAX];
	int depth = 0;
	int ret = 0;
	int fd = open_retry(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	while (fd >= 0) {
		char sub[NAME_MAX + 1];

		stack[depth] = fdopendir(fd);
		if (!stack[depth]) {
			ret = -errno;
			(void)close(fd);
			break;
		}
		depth++;
		while (depth > 0 && (ret = empty_folder(stack[depth - 1], sub)) == 0)
			(void)closedir(stack[--depth]);
		if (depth == 0 || ret < 0)
			break;
		if (depth == OS_TREE_DEPTH_MAX) {
			ret = ST_LIMIT;
			break;
		}
		/* Once this folder is empty the walk returns to the one above, which then
		 * removes it on its next turn. */
		fd = openat(
		    dirfd(stack[depth - 1]), sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		ret = -errno;
	while (depth > 0)
		(void)closedir(stack[--depth]);
	if (ret == ST_LIMIT)
		return err_set(
		    err, ret, "%s: folders nest deeper than %d", path, OS_TREE_DEPTH_MAX);
	if (ret < 0)
		return path_error(err, path, "remove", -ret);
	if (rmdir(path) != 0)
		return path_error(err, path, "remove", errno);
	return ST_OK;
}

int os_path_space(const char *path, struct os_space *ret_space, struct err *err)
{
	struct statvfs st;

	if (statvfs(path, &st) != 0)
		return path_error(err, path, "examine", errno);
	*ret_space = (struct os_space){
	    .total = (uint64_t)st.f_blocks * st.f_frsize,
	    .available = (uint64_t)st.f_bavail * st.f_frsize,
	};
	return ST_OK;
}
