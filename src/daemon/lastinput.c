/* The last bytes a worker read; the contract is in lastinput.h. */
#include "daemon/lastinput.h"

#include "os/file.h"
#include "os/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int lastinput_make(int *ret_fd, struct err *err)
{
	int fd = memfd_create("teiten-last-input", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)sizeof(struct engine_input)) != 0) {
		int rc = -errno;

		if (fd >= 0)
			(void)close(fd);
		return err_set(err, rc, "cannot make a memory file: %s", st_text(rc));
	}
	*ret_fd = fd;
	return ST_OK;
}

int lastinput_map(int fd, struct engine_input **ret_input, struct err *err)
{
	void *memory = mmap(NULL, sizeof(struct engine_input), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);

	if (memory == MAP_FAILED)
		return err_set(err, -errno, "cannot map the last input: %s", st_text(-errno));
	*ret_input = memory;
	return ST_OK;
}

static int count_file(void *arg, const char *name, enum os_kind kind)
{
	(void)name;
	(void)kind;
	++*(unsigned *)arg;
	return ST_OK;
}

int lastinput_keep(int fd, const char *folder, const char *program, int64_t now_us,
    char *ret_path, size_t cap, struct err *err)
{
	const struct engine_input *input;
	char path[OS_PATH_MAX];
	char *data = NULL;
	unsigned files = 0;
	size_t len;
	mode_t before;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, LASTINPUT_FOLDER);
	rc = os_folder_make(path, err);
	if (!rc)
		rc = os_folder_list(path, count_file, &files, err);
	if (!rc && files >= LASTINPUT_FILES_MAX)
		rc = err_set(err, ST_LIMIT, "%s holds %u files: no more are kept", path, files);
	if (!rc)
		rc = os_memory_read(fd, sizeof(*input), &data, &len, err);
	if (rc)
		return rc;
	input = (const struct engine_input *)(const void *)data;
	/* The worker wrote the length, and nothing it writes is believed. */
	if (len < sizeof(*input) || input->len == 0 || input->len > ENGINE_READ_MAX)
		rc = err_set(err, ST_NOT_FOUND, "%s had read nothing", program);
	else if ((size_t)snprintf(ret_path, cap, "%s/%s-%u%s-%lld.bin", path, program, input->port,
	    input->transport == PROTOCOL_UDP ? "udp" : "tcp", (long long)now_us) >= cap)
		rc = err_set(err, ST_LIMIT, "%s: path too long", path);
	before = umask(077);
	if (!rc)
		rc = os_file_write(ret_path, (const char *)input->bytes, input->len, err);
	(void)umask(before);
	free(data);
	return rc;
}
