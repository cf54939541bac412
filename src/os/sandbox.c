/*
 * Landlock for files, seccomp for the rest; the contract is in sandbox.h.
 *
 * Why the seccomp filter lists what is denied and not what is allowed: this program runs DuckDB,
 * SQLite, ICU and the C library's threads, whose system calls change with every release and
 * processor; an allow-list that is right today kills a report tomorrow, so people would switch the
 * sandbox off.  The sensor's workers link none of these and do use allow-lists.
 *
 * Network calls fail with EPERM instead of killing, because libraries probe (libpcap's filter
 * compiler asks the resolver about names; that must become "unknown host", not a dead program).
 * Nothing leaves either way.  io_uring is refused because its operations bypass seccomp.
 *
 * Landlock (Documentation/userspace-api/landlock.rst) is used by raw system calls: Debian 12's
 * headers lack the newer constants, and the version is asked at run time.
 */
#include "os/sandbox.h"

#include "os/digest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* LeakSanitizer ends a program by tracing it from a cloned process. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZER_BUILD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZER_BUILD 1
#endif
#endif
#ifndef SANITIZER_BUILD
#define SANITIZER_BUILD 0
#endif

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define LL_CREATE_VERSION (1u << 0)
#define LL_RULE_PATH_BENEATH 1

#define LL_EXECUTE (1ull << 0)
#define LL_WRITE_FILE (1ull << 1)
#define LL_READ_FILE (1ull << 2)
#define LL_READ_DIR (1ull << 3)
#define LL_REMOVE_DIR (1ull << 4)
#define LL_REMOVE_FILE (1ull << 5)
#define LL_MAKE_DIR (1ull << 7)
#define LL_MAKE_REG (1ull << 8)
#define LL_ALL_ABI1 ((1ull << 13) - 1)
#define LL_REFER (1ull << 13)     /* ABI 2: rename and link between folders */
#define LL_TRUNCATE (1ull << 14)  /* ABI 3 */
#define LL_IOCTL_DEV (1ull << 15) /* ABI 5 */

#define LL_NET_BIND_TCP (1ull << 0) /* ABI 4 */
#define LL_NET_CONNECT_TCP (1ull << 1)
#define LL_SCOPE_ABSTRACT_UNIX (1ull << 0) /* ABI 6 */
#define LL_SCOPE_SIGNAL (1ull << 1)

#define LL_FILE_RIGHTS (LL_EXECUTE | LL_WRITE_FILE | LL_READ_FILE | LL_TRUNCATE | LL_IOCTL_DEV)
#define LL_RIGHTS_READ (LL_READ_FILE | LL_READ_DIR)
#define LL_RIGHTS_WRITE                                                                  \
	(LL_RIGHTS_READ | LL_WRITE_FILE | LL_REMOVE_DIR | LL_REMOVE_FILE | LL_MAKE_DIR | \
	    LL_MAKE_REG | LL_REFER | LL_TRUNCATE)

/* The kernel takes the size of this and ignores what a version does not know when it is zero. */
struct ll_ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct ll_path_beneath {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

/*
 * What the C library, ICU, libpcap and DuckDB look at on their own.  Read only; nothing here is
 * private to a user.  /proc/self is this process.
 */
static const char *const system_paths[] = {
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/usr/share/locale",
    "/usr/share/i18n",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/locale.alias",
    "/etc/services",
    "/etc/protocols",
    "/dev/urandom",
    "/dev/zero",
    "/proc/self",
    "/proc/meminfo",
    "/proc/cpuinfo",
    "/proc/stat",
    "/proc/sys/vm",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
};

static int add_path(int ruleset, const char *path, uint64_t rights, uint64_t handled,
    bool may_be_missing, struct err *err)
{
	struct ll_path_beneath rule = {.allowed = rights & handled};
	struct stat st;
	int ret = ST_OK;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0) {
		if (may_be_missing)
			return ST_OK;
		return err_set(
		    err, -errno, "%s: cannot open for the sandbox: %s", path, st_text(-errno));
	}
	if (fstat(rule.parent_fd, &st) != 0)
		memset(&st, 0, sizeof(st));
	else if (!S_ISDIR(st.st_mode))
		rule.allowed &= LL_FILE_RIGHTS;
	/* A pipe (/dev/fd/63 of a shell's process substitution) lies in no file system that Landlock
	 * governs: it takes no rule and needs none. */
	if (syscall(SYS_landlock_add_rule, ruleset, LL_RULE_PATH_BENEATH, &rule, 0) != 0
	    && !(errno == EBADFD && S_ISFIFO(st.st_mode)))
		ret = err_set(
		    err, -errno, "%s: Landlock refuses the rule: %s", path, st_text(-errno));
	(void)close(rule.parent_fd);
	return ret;
}

static struct ll_ruleset ruleset_of(long abi)
{
	struct ll_ruleset attr = {.fs = LL_ALL_ABI1};

	if (abi >= 2)
		attr.fs |= LL_REFER;
	if (abi >= 3)
		attr.fs |= LL_TRUNCATE;
	if (abi >= 4)
		attr.net = LL_NET_BIND_TCP | LL_NET_CONNECT_TCP;
	if (abi >= 5)
		attr.fs |= LL_IOCTL_DEV;
	if (abi >= 6)
		attr.scoped = LL_SCOPE_ABSTRACT_UNIX | LL_SCOPE_SIGNAL;
	return attr;
}

static int landlock_apply(const char *const *read_paths, size_t read_count,
    const char *const *write_paths, size_t write_count, long abi, struct err *err)
{
	struct ll_ruleset attr = ruleset_of(abi);
	int ret = ST_OK;
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (fd < 0)
		return err_set(err, -errno, "Landlock refuses a rule set: %s", st_text(-errno));
	for (size_t i = 0; ret == ST_OK && i < sizeof(system_paths) / sizeof(*system_paths); i++)
		ret = add_path(fd, system_paths[i], LL_RIGHTS_READ, attr.fs, true, err);
	if (ret == ST_OK)
		ret = add_path(fd, "/dev/null", LL_READ_FILE | LL_WRITE_FILE | LL_TRUNCATE, attr.fs,
		    true, err);
	for (size_t i = 0; ret == ST_OK && i < read_count; i++)
		ret = add_path(fd, read_paths[i], LL_RIGHTS_READ, attr.fs, true, err);
	for (size_t i = 0; ret == ST_OK && i < write_count; i++)
		ret = add_path(fd, write_paths[i], LL_RIGHTS_WRITE, attr.fs, false, err);
	if (ret == ST_OK && syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		ret = err_set(err, -errno, "Landlock cannot be applied: %s", st_text(-errno));
	(void)close(fd);
	return ret;
}

/* Policy as data: what fails … */
static const int refused[] = {
    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(kcmp),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(syslog),
    SCMP_SYS(quotactl),
    SCMP_SYS(acct),
    SCMP_SYS(vhangup),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setgroups),
    SCMP_SYS(capset),
    SCMP_SYS(personality),
    SCMP_SYS(lookup_dcookie),
    SCMP_SYS(move_pages),
    SCMP_SYS(migrate_pages),
};

/* … and what no part of this program or its libraries has any reason to try. */
static const int deadly[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(reboot),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
};

/* 0, or the first error.  A call that this processor does not have needs no rule. */
static int deny_all(scmp_filter_ctx ctx, const int *calls, size_t count, uint32_t action)
{
	for (size_t i = 0; i < count; i++) {
		int ret = seccomp_rule_add(ctx, action, calls[i], 0);

		if (ret != 0 && ret != -EDOM)
			return ret;
	}
	return 0;
}

/* Rules that look at arguments. */
static int deny_some(scmp_filter_ctx ctx)
{
	const uint32_t eperm = SCMP_ACT_ERRNO(EPERM);
	const uint64_t low = 0xffffffffu; /* the kernel compares these as 32-bit values */
	int ret;

	/* Characters pushed into the terminal would be typed by the person's shell. */
	ret = seccomp_rule_add(
	    ctx, eperm, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, low, TIOCSTI));
	if (ret == 0)
		ret = seccomp_rule_add(
		    ctx, eperm, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, low, TIOCLINUX));
	/* Signals to itself only (abort uses tgkill, which needs a thread of a known group). */
	if (ret == 0)
		ret = seccomp_rule_add(
		    ctx, eperm, SCMP_SYS(kill), 1, SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()));
	if (ret != 0 || SANITIZER_BUILD)
		return ret;
	ret = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, SCMP_SYS(ptrace), 0);
	/* Threads, but no processes.  clone3 hides its flags in memory; ENOSYS makes the C library
	 * fall back to clone. */
	if (ret == 0)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (ret == 0)
		ret = seccomp_rule_add(
		    ctx, eperm, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	for (int i = 0; ret == 0 && i < 2; i++) {
		ret = seccomp_rule_add(ctx, eperm, i ? SCMP_SYS(fork) : SCMP_SYS(vfork), 0);
		if (ret == -EDOM)
			ret = 0;
	}
	return ret;
}

static int seccomp_apply(struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int ret;

	if (!ctx)
		return err_set(err, -ENOMEM, "seccomp: cannot make a filter");
	ret = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (ret == 0)
		ret = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (ret == 0)
		ret = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (ret == 0)
		ret = deny_all(
		    ctx, refused, sizeof(refused) / sizeof(*refused), SCMP_ACT_ERRNO(EPERM));
	if (ret == 0)
		ret =
		    deny_all(ctx, deadly, sizeof(deadly) / sizeof(*deadly), SCMP_ACT_KILL_PROCESS);
	if (ret == 0)
		ret = deny_some(ctx);
	if (ret == 0)
		ret = seccomp_load(ctx);
	seccomp_release(ctx);
	if (ret != 0)
		return err_set(err, ret, "seccomp cannot be applied: %s", st_text(ret));
	return ST_OK;
}

/* Landlock binds the calling thread only, so a second thread would stay outside. */
static unsigned count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned count = 0;

	if (!dir)
		return 1; /* no /proc: nothing to count; the caller promised */
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	(void)closedir(dir);
	return count;
}

int os_sandbox_reader(const char *const *read_paths, size_t read_count,
    const char *const *write_paths, size_t write_count, struct os_sandbox_status *ret_status,
    struct err *err)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LL_CREATE_VERSION);
	int abi_errno = abi < 0 ? errno : 0;
	int ret;

	if (!SANITIZER_BUILD && count_threads() > 1)
		return err_set(err, ST_USAGE, "the sandbox must be applied before threads start");
	os_digest_prepare();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(err, -errno, "no-new-privileges cannot be set: %s", st_text(-errno));
	if (abi < 0 && abi_errno != ENOSYS && abi_errno != EOPNOTSUPP)
		return err_set(
		    err, -abi_errno, "Landlock cannot be asked: %s", st_text(-abi_errno));
	if (abi > 0) {
		ret = landlock_apply(read_paths, read_count, write_paths, write_count, abi, err);
		if (ret != ST_OK)
			return ret;
	}
	ret = seccomp_apply(err);
	if (ret != ST_OK)
		return ret;
	if (ret_status)
		ret_status->landlock_abi = abi > 0 ? (int)abi : 0;
	return ST_OK;
}
