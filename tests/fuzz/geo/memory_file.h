/* Bytes as a file that can be opened by name; for libraries that only take names. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct memory_file {
	int fd;
	char path[64];
};

static inline void memory_file_make(struct memory_file *f, const void *data, size_t len)
{
	f->fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (f->fd < 0 || (len && write(f->fd, data, len) != (ssize_t)len))
		abort();
	(void)snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
}

static inline void memory_file_close(struct memory_file *f)
{
	(void)close(f->fd);
}
