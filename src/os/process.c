/* Child programs; the contract is in process.h. */
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FDS_MAX 8192

/* Between fork and exec: only calls that are safe there.  High numbers first, so that no
 * descriptor is overwritten before it has been moved. */
static void become_child(const char *path, const char *const *arguments, const int *fds,
    int *high, size_t count, pid_t parent)
{
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(127);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < count; i++) {
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, OS_CHILD_FD + (int)count);
		if (high[i] < 0)
			_exit(127);
	}
	for (size_t i = 0; i < count; i++)
		if (dup2(high[i], OS_CHILD_FD + (int)i) < 0)
			_exit(127);
	(void)syscall(SYS_close_range, OS_CHILD_FD + (unsigned)count, ~0u, 0);
	(void)execv(path, (char *const *)(uintptr_t)arguments);
	_exit(127);
}

int os_process_start(const char *path, const char *const *arguments, const int *fds, size_t count,
    pid_t *ret_pid, struct err *err)
{
	int *high;
	pid_t parent = getpid();
	pid_t pid;

	if (count > FDS_MAX)
		return err_set(err, ST_LIMIT, "too many descriptors for %s", path);
	if (access(path, X_OK) != 0)
		return err_set(err, -errno, "%s: %s", path, st_text(-errno));
	high = calloc(count + 1, sizeof(*high));
	if (!high)
		return err_set(err, -ENOMEM, "out of memory");
	pid = fork();
	if (pid == 0)
		become_child(path, arguments, fds, high, count, parent);
	free(high);
	if (pid < 0)
		return err_set(err, -errno, "cannot start %s: %s", path, st_text(-errno));
	*ret_pid = pid;
	return ST_OK;
}

int os_memory_file(const char *name, const void *data, size_t len, int *ret_fd, struct err *err)
{
	const uint8_t *at = data;
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_set(err, -errno, "cannot make a memory file: %s", st_text(-errno));
	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int rc = n < 0 ? -errno : -EIO;

			(void)close(fd);
			return err_set(err, rc, "cannot write a memory file: %s", st_text(rc));
		}
		at += n;
		len -= (size_t)n;
	}
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	*ret_fd = fd;
	return ST_OK;
}

int os_memory_read(int fd, size_t max, char **ret_data, size_t *ret_len, struct err *err)
{
	struct stat st;
	char *data;
	size_t done = 0;

	if (fstat(fd, &st) != 0)
		return err_set(err, -errno, "descriptor %d: %s", fd, st_text(-errno));
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return err_set(err, ST_LIMIT, "descriptor %d holds more than %zu bytes", fd, max);
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return err_set(err, -ENOMEM, "out of memory");
	while (done < (size_t)st.st_size) {
		ssize_t n = pread(fd, data + done, (size_t)st.st_size - done, (off_t)done);

		if (n <= 0 && !(n < 0 && errno == EINTR)) {
			free(data);
			return err_set(err, -EIO, "descriptor %d: cannot be read", fd);
		}
		done += n > 0 ? (size_t)n : 0;
	}
	data[done] = '\0';
	*ret_data = data;
	*ret_len = done;
	return ST_OK;
}

int os_program_folder(char *ret_path, size_t cap, struct err *err)
{
	ssize_t n = readlink("/proc/self/exe", ret_path, cap - 1);
	char *slash;

	if (n < 0)
		return err_set(err, -errno, "cannot tell where this program is: %s", st_text(-errno));
	ret_path[n] = '\0';
	slash = strrchr(ret_path, '/');
	if (slash)
		slash[1] = '\0';
	return ST_OK;
}

unsigned os_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) < 1
	    ? 1 : (unsigned)CPU_COUNT(&set);
}
