/* The confinement of workers; the contract is in confine.h. */
#include "os/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

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
#define SYS_landlock_restrict_self 446
#endif
#define LANDLOCK_VERSION_FLAG 1u
#define LANDLOCK_ALL_FILE_RIGHTS ((1ull << 13) - 1)

struct call {
	int number;
	bool allowed[OS_PROGRAM_COUNT];
};

static const struct call calls[] = {
#define CALL(name, respond, capture, ssh, courier)                                                 \
	{SCMP_SYS(name), {respond, capture, ssh, courier}},
#include "os/confine.def"
};

static const struct {
	enum os_program program;
	int resource;
	rlim_t value;
} program_limits[] = {
#define LIMIT(program, resource, value) {OS_PROGRAM_##program, RLIMIT_##resource, value},
#include "os/confine.def"
};

int os_become(const char *name, struct err *err)
{
	const struct passwd *user;

	if (!name || geteuid() != 0)
		return ST_OK;
	user = getpwnam(name);
	if (!user)
		return err_set(err, ST_NOT_FOUND, "there is no user %s", name);
	if (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
		return err_set(err, -errno, "cannot become %s: %s", name, st_text(-errno));
	return ST_OK;
}

int os_drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

	/* The bounding set needs CAP_SETPCAP; without it there is nothing to lose. */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) != 0)
		return err_set(err, -errno, "cannot drop capabilities: %s", st_text(-errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(err, -errno, "cannot give up new privileges: %s", st_text(-errno));
	return ST_OK;
}

static void limit(int resource, rlim_t value)
{
	struct rlimit r = {value, value};

	(void)setrlimit((__rlimit_resource_t)resource, &r);
}

/* A rule set without a rule: no file can be opened, made, removed or executed. */
static int no_files(struct err *err)
{
	struct {
		uint64_t fs;
	} rules = {LANDLOCK_ALL_FILE_RIGHTS};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);
	long fd;

	if (abi < 0 && errno != ENOSYS && errno != EOPNOTSUPP)
		return err_set(err, -errno, "Landlock cannot be asked: %s", st_text(-errno));
	if (abi < 1)
		return ST_OK; /* this kernel has none; the filter below forbids open as well */
	fd = syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
	if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		return err_set(err, -errno, "Landlock cannot be applied: %s", st_text(-errno));
	(void)close((int)fd);
	return ST_OK;
}

static int filter(enum os_program program, struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = ctx ? ST_OK : -ENOMEM;

	for (size_t i = 0; !rc && i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].allowed[program])
			rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i].number, 0);
	/* The C library asks about a descriptor by this call; paths are nobody's business. */
	if (!rc)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(newfstatat), 0);
	if (!rc)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc ? err_set(err, rc, "seccomp cannot be applied: %s", st_text(rc)) : ST_OK;
}

int os_confine(enum os_program program, const char *user, struct err *err)
{
	int rc = os_become(user, err);

	if (!rc)
		rc = os_drop_capabilities(err);
	limit(RLIMIT_CORE, 0);
	for (size_t i = 0; i < sizeof(program_limits) / sizeof(program_limits[0]); i++)
		if (program_limits[i].program == program)
			limit(program_limits[i].resource, program_limits[i].value);
	/* Others of the same user take no descriptor from it. */
	if (!rc && program == OS_PROGRAM_COURIER && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		rc = err_set(err, -errno, "cannot be closed to others: %s", st_text(-errno));
	if (!rc)
		rc = no_files(err);
	if (!rc && !SANITIZER_BUILD)
		rc = filter(program, err);
	return rc;
}
