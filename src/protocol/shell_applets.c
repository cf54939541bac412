/*
 * The shell's commands: built-ins, BusyBox applets and the loaders that a persona has or lacks.
 *
 * Each prints what the real one prints where loaders look at it; the many that only matter by their
 * text in the record do nothing.  None reaches outside the shell's struct.
 */
#include "base/civil.h"
#include "protocol/shell_internal.h"

#include <stdio.h>

typedef int (*applet_fn)(struct shell_run *run, const struct shell_words *words, unsigned at);

enum applet_kind {
	APPLET = 1,  /* of BusyBox: also as `busybox NAME` and a file below /bin */
	BUILTIN = 2, /* of the shell alone */
	LOADER = 4,  /* an applet that the persona may lack */
};

struct applet {
	const char *name;
	unsigned kind;
	applet_fn run; /* NULL: says nothing, status 0 */
};

static const struct applet *find_applet(struct protocol_text name);

/* ---- the system ----------------------------------------------------------------------------- */

static int run_cd(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	struct protocol_text to = at < w->count ? w->list[at] : PROTOCOL_LITERAL("~");
	struct shell_path path = shell_resolve(run, to);

	if (!shell_is_directory(run, &path)) {
		shell_complain(run, "-sh: cd: can't cd to %.*s\n", SHELL_TEXT(to));
		return 2;
	}
	if (path.len > SHELL_CWD_MAX)
		return SHELL_STATUS_FAILED;
	memcpy(run->shell->cwd, path.text, path.len);
	run->shell->cwd_len = (uint8_t)path.len;
	return 0;
}

static int run_pwd(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	struct shell_path path = shell_resolve(run, (struct protocol_text){"", 0});

	(void)w;
	(void)at;
	shell_printf(run, "%s\n", path.text);
	return 0;
}

/* The fields in uname's own order, whatever the order of the flags. */
static int run_uname(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	const char *kernel = protocol_persona(run->io, "shell.kernel");
	const char *blank = strchr(kernel, ' ');
	struct protocol_text fields[] = {
		PROTOCOL_LITERAL("Linux"),
		{protocol_persona(run->io, "persona.hostname"), 0},
		{kernel, blank ? (size_t)(blank - kernel) : strlen(kernel)},
		{blank ? blank + 1 : "", 0},
		{shell_machine(run->io), 0},
		PROTOCOL_LITERAL("GNU/Linux"),
	};
	static const char flags[] = "snrvmo";
	bool all = words_have_flag(w, at, 'a');
	bool any = false;

	fields[1].len = strlen(fields[1].data);
	fields[3].len = strlen(fields[3].data);
	fields[4].len = strlen(fields[4].data);
	for (unsigned i = 0; i < sizeof(flags) - 1; i++) {
		bool wanted = all || words_have_flag(w, at, flags[i])
		    || (at == w->count && i == 0)
		    || (flags[i] == 'm' && words_have_flag(w, at, 'p'));

		if (!wanted)
			continue;
		if (any)
			shell_puts(run, " ");
		shell_out(run, fields[i].data, fields[i].len);
		any = true;
	}
	shell_puts(run, "\n");
	return 0;
}

static int run_arch(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	(void)w;
	(void)at;
	shell_printf(run, "%s\n", shell_machine(run->io));
	return 0;
}

static int put_persona(struct shell_run *run, const char *key)
{
	const char *text = protocol_persona(run->io, key);
	size_t len = strlen(text);

	shell_out(run, text, len);
	if (len > 0 && text[len - 1] != '\n')
		shell_puts(run, "\n");
	return 0;
}

static int run_mount(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	return at < w->count ? 0 : put_persona(run, "shell.mounts");
}

static int run_ps(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	(void)w;
	(void)at;
	return put_persona(run, "shell.ps");
}

static int run_hostname(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	return at < w->count ? 0 : put_persona(run, "persona.hostname");
}

static int run_free(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	(void)w;
	(void)at;
	return put_persona(run, "shell.free");
}

static int run_uptime(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	int64_t s = run->io->now_us / CIVIL_US_PER_SECOND;

	(void)w;
	(void)at;
	shell_printf(run,
	    " %02d:%02d:%02d up %d days, %2d:%02d,  load average: 0.%02d, 0.08, 0.05\n",
	    (int)(s / 3600 % 24), (int)(s / 60 % 60), (int)(s % 60), (int)(s / 86400 % 97) + 3,
	    (int)(s / 3600 % 24), (int)(s / 60 % 60), (int)(s / 60 % 40));
	return 0;
}

static int run_date(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const char days_of_week[] = "MonTueWedThuFriSatSun";
	int64_t s = run->io->now_us / CIVIL_US_PER_SECOND;
	int32_t days = civil_days_of_time(run->io->now_us);
	struct civil date = civil_from_days(days);

	(void)w;
	(void)at;
	shell_printf(run, "%.3s %.3s %2d %02d:%02d:%02d UTC %d\n",
	    days_of_week + 3 * civil_weekday(days), months + 3 * (date.month - 1), date.day,
	    (int)(s / 3600 % 24), (int)(s / 60 % 60), (int)(s % 60), date.year);
	return 0;
}

static int run_id(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	shell_puts(run, words_have_flag(w, at, 'u') ? "0\n"
	                                            : "uid=0(root) gid=0(root) groups=0(root)\n");
	return 0;
}

static int run_whoami(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	(void)w;
	(void)at;
	shell_puts(run, "root\n");
	return 0;
}

static int run_nproc(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	char key[48];
	const char *text;
	unsigned count = 0;

	(void)w;
	(void)at;
	(void)snprintf(key, sizeof(key), "shell.cpuinfo.%s",
	    protocol_persona(run->io, "persona.cpu"));
	for (text = protocol_persona(run->io, key); (text = strstr(text, "processor\t")); text++)
		count++;
	shell_printf(run, "%u\n", count ? count : 1);
	return 0;
}

static bool is_there(const struct shell_run *run, struct protocol_text name)
{
	const struct applet *applet = find_applet(name);

	return applet && (!(applet->kind & LOADER) || shell_has_loader(run->io, name));
}

static int run_which(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	int status = 0;

	for (; at < w->count; at++) {
		if (words_is_option(w->list[at]))
			continue;
		if (is_there(run, w->list[at]) && find_applet(w->list[at])->kind & APPLET)
			shell_printf(run, "/bin/%.*s\n", SHELL_TEXT(w->list[at]));
		else
			status = SHELL_STATUS_FAILED;
	}
	return status;
}

static int run_exit(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	(void)w;
	(void)at;
	run->shell->over = true;
	return 0;
}

static int run_false(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	(void)run;
	(void)w;
	(void)at;
	return SHELL_STATUS_FAILED;
}

/* [ -f PATH ], [ -d PATH ], [ -n TEXT ], [ A = B ]: enough for droppers' probing. */
static int run_test(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	struct protocol_text op = at < w->count ? w->list[at] : (struct protocol_text){"", 0};
	struct protocol_text arg = at + 1 < w->count ? w->list[at + 1] : op;
	bool negate = line_is(op, "!");
	bool yes = false;

	if (negate) {
		op = arg;
		arg = at + 2 < w->count ? w->list[at + 2] : op;
	}
	if (line_is(op, "-d")) {
		struct shell_path path = shell_resolve(run, arg);

		yes = shell_is_directory(run, &path);
	} else if (line_is(op, "-f") || line_is(op, "-e") || line_is(op, "-x")
	    || line_is(op, "-s") || line_is(op, "-r") || line_is(op, "-w")) {
		struct shell_path path = shell_resolve(run, arg);

		yes = shell_find(run, &path) >= 0 || shell_is_system_file(run, &path);
	} else if (line_is(op, "-z") || line_is(op, "-n")) {
		bool empty = arg.len == 0 || line_is(arg, "]");

		yes = empty == line_is(op, "-z");
	} else if (at + 2 < w->count && (line_is(arg, "=") || line_is(arg, "=="))) {
		yes = op.len == w->list[at + 2].len
		    && memcmp(op.data, w->list[at + 2].data, op.len) == 0;
	}
	return yes != negate ? 0 : SHELL_STATUS_FAILED;
}

/* ---- loaders -------------------------------------------------------------------------------- */

bool shell_has_loader(const struct protocol_io *io, struct protocol_text name)
{
	const char *list = protocol_persona(io, "shell.loaders");
	struct protocol_text rest = {list, strlen(list)};

	while (rest.len > 0) {
		struct protocol_text word = line_word(&rest);

		if (word.len == name.len && memcmp(word.data, name.data, name.len) == 0)
			return true;
	}
	return !io->answering;
}

/* A loader tries and fails as on a network without a way out, so that the visitor shows its next
 * way.  Without arguments it says how it is used: that is how bots see that it is there. */
static int run_loader(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	struct protocol_text name = w->list[at - 1];
	const char *usage = protocol_persona(run->io, "shell.busybox");

	if (at == w->count) {
		shell_complain(run, "%s multi-call binary.\n\nUsage: %.*s [OPTIONS] HOST\n", usage,
		    SHELL_TEXT(name));
		return SHELL_STATUS_FAILED;
	}
	if (line_is(name, "tftp"))
		shell_complain(run, "tftp: timeout\n");
	else if (line_is(name, "curl"))
		shell_complain(run, "curl: (28) Connection timed out\n");
	else
		shell_complain(run, "%.*s: can't connect to remote host: Connection timed out\n",
		    SHELL_TEXT(name));
	return SHELL_STATUS_FAILED;
}

/* ---- calling -------------------------------------------------------------------------------- */

static int run_busybox(struct shell_run *run, const struct shell_words *w, unsigned at);
static int run_shell(struct shell_run *run, const struct shell_words *w, unsigned at);

static const struct applet applets[] = {
	{"[", BUILTIN, run_test}, {"arch", APPLET, run_arch}, {"ash", APPLET, run_shell},
	{"awk", APPLET, shell_awk_applet}, {"base64", APPLET, shell_base64_applet},
	{"bash", BUILTIN, run_shell}, {"busybox", APPLET, run_busybox},
	{"cat", APPLET, shell_cat_applet}, {"cd", BUILTIN, run_cd}, {"chattr", APPLET, NULL},
	{"chmod", APPLET, shell_chmod_applet}, {"chown", APPLET, NULL},
	{"chpasswd", APPLET, NULL}, {"clear", APPLET, NULL}, {"config", BUILTIN, NULL},
	{"cp", APPLET, shell_cp_applet}, {"crontab", APPLET, NULL},
	{"curl", APPLET | LOADER, run_loader}, {"cut", APPLET, shell_pass_applet},
	{"date", APPLET, run_date}, {"dd", APPLET, shell_dd_applet},
	{"development", BUILTIN, NULL}, {"df", APPLET, NULL}, {"dmesg", APPLET, NULL},
	{"echo", APPLET, shell_echo_applet}, {"en", BUILTIN, NULL}, {"enable", BUILTIN, NULL},
	{"env", APPLET, NULL}, {"exit", BUILTIN, run_exit}, {"export", BUILTIN, NULL},
	{"false", APPLET, run_false}, {"find", APPLET, NULL}, {"free", APPLET, run_free},
	{"ftpget", APPLET | LOADER, run_loader}, {"grep", APPLET, shell_grep_applet},
	{"head", APPLET, shell_head_applet}, {"help", BUILTIN, NULL},
	{"hexdump", APPLET, shell_hexdump_applet}, {"history", BUILTIN, NULL},
	{"hostname", APPLET, run_hostname}, {"id", APPLET, run_id}, {"ifconfig", APPLET, NULL},
	{"insmod", APPLET, NULL}, {"iptables", BUILTIN, NULL}, {"kill", APPLET, NULL},
	{"killall", APPLET, NULL}, {"last", BUILTIN, NULL}, {"less", APPLET, shell_pass_applet},
	{"linuxshell", BUILTIN, NULL}, {"ln", APPLET, NULL}, {"login", APPLET, NULL},
	{"logout", BUILTIN, run_exit}, {"ls", APPLET, shell_ls_applet}, {"lscpu", BUILTIN, NULL},
	{"md5sum", APPLET, NULL}, {"mkdir", APPLET, shell_mkdir_applet}, {"mknod", APPLET, NULL},
	{"more", APPLET, shell_pass_applet}, {"mount", APPLET, run_mount},
	{"mv", APPLET, shell_mv_applet}, {"nc", APPLET, run_false}, {"netstat", APPLET, NULL},
	{"nproc", APPLET, run_nproc}, {"passwd", APPLET, NULL}, {"pidof", APPLET, run_false},
	{"ping", APPLET, run_false}, {"pkill", APPLET, NULL}, {"poweroff", APPLET, run_exit},
	{"printf", APPLET, shell_printf_applet}, {"ps", APPLET, run_ps}, {"pwd", APPLET, run_pwd},
	{"quit", BUILTIN, run_exit}, {"read", BUILTIN, run_false}, {"reboot", APPLET, run_exit},
	{"rm", APPLET, shell_rm_applet}, {"rmdir", APPLET, NULL},
	{"sed", APPLET, shell_pass_applet}, {"service", BUILTIN, NULL}, {"set", BUILTIN, NULL},
	{"sh", APPLET, run_shell}, {"shell", BUILTIN, NULL}, {"sleep", APPLET, NULL},
	{"sort", APPLET, shell_pass_applet}, {"start", BUILTIN, NULL}, {"stty", APPLET, NULL},
	{"su", APPLET, NULL}, {"sync", APPLET, NULL}, {"sysctl", APPLET, NULL},
	{"system", BUILTIN, NULL}, {"tail", APPLET, shell_tail_applet}, {"tar", APPLET, NULL},
	{"tee", APPLET, shell_pass_applet}, {"telnet", APPLET, run_false},
	{"test", APPLET, run_test}, {"tftp", APPLET | LOADER, run_loader},
	{"top", APPLET, run_ps}, {"touch", APPLET, shell_touch_applet},
	{"tr", APPLET, shell_pass_applet}, {"trap", BUILTIN, NULL}, {"true", APPLET, NULL},
	{"type", BUILTIN, run_which}, {"ulimit", BUILTIN, NULL}, {"umask", BUILTIN, NULL},
	{"umount", APPLET, NULL}, {"uname", APPLET, run_uname},
	{"uniq", APPLET, shell_pass_applet}, {"unset", BUILTIN, NULL},
	{"uptime", APPLET, run_uptime}, {"w", BUILTIN, run_uptime}, {"wait", BUILTIN, NULL},
	{"wc", APPLET, shell_wc_applet}, {"wget", APPLET | LOADER, run_loader},
	{"which", APPLET, run_which}, {"whoami", APPLET, run_whoami}, {"xargs", APPLET, NULL},
};

/* Names are in order. */
static const struct applet *find_applet(struct protocol_text name)
{
	size_t low = 0;
	size_t high = sizeof(applets) / sizeof(applets[0]);

	while (low < high) {
		size_t middle = (low + high) / 2;
		const char *candidate = applets[middle].name;
		size_t len = strlen(candidate);
		int order = memcmp(name.data, candidate, name.len < len ? name.len : len);

		if (order == 0 && name.len == len)
			return &applets[middle];
		if (order < 0 || (order == 0 && name.len < len))
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool shell_is_executable_name(struct protocol_text name)
{
	const struct applet *applet = find_applet(name);

	return applet && applet->kind & APPLET && !(applet->kind & LOADER);
}

/* A word that names the bot: MIRAI, ECCHI, OWARI and their kin call applets nobody has. */
static bool is_token(struct protocol_text name)
{
	if (name.len < 3 || name.len > 16)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!isupper((unsigned char)name.data[i]) && !isdigit((unsigned char)name.data[i]))
			return false;
	return true;
}

static int run_busybox(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	const struct applet *applet;

	/* busybox busybox … is one busybox. */
	while (at < w->count && line_is(w->list[at], "busybox"))
		at++;
	if (at == w->count) {
		shell_printf(run,
		    "%s multi-call binary.\nUsage: busybox [function] [arguments]...\n",
		    protocol_persona(run->io, "shell.busybox"));
		return 0;
	}
	applet = find_applet(w->list[at]);
	if (applet && applet->kind & APPLET && is_there(run, w->list[at]))
		return applet->run ? applet->run(run, w, at + 1) : 0;
	if (is_token(w->list[at]))
		protocol_attribute(run->io, PROTOCOL_SOFTWARE, w->list[at].data, w->list[at].len);
	shell_complain(run, "%.*s: applet not found\n", SHELL_TEXT(w->list[at]));
	return SHELL_STATUS_NOT_FOUND;
}

/* A file is run: what was written into it is whole now. */
static int run_file(struct shell_run *run, const struct shell_words *w, unsigned at, bool as_script)
{
	struct shell_path path = shell_resolve(run, w->list[at]);
	int index = shell_find(run, &path);
	struct protocol_text word = w->list[at];
	const char *slash;

	if (index < 0 && as_script && shell_is_system_file(run, &path))
		return 0;
	if (index < 0 && shell_is_system_file(run, &path)) {
		struct protocol_text name;
		const struct applet *applet;

		slash = strrchr(path.text, '/');
		name = (struct protocol_text){slash + 1, strlen(slash + 1)};
		applet = find_applet(name);
		if (applet && applet->run != run_shell)
			return applet->run ? applet->run(run, w, at + 1) : 0;
		return 0;
	}
	if (index < 0) {
		shell_complain(run, "-sh: %.*s: not found\n", SHELL_TEXT(word));
		return SHELL_STATUS_NOT_FOUND;
	}
	if (!as_script && !(run->shell->files[index].flags & SHELL_FILE_EXECUTABLE)
	    && run->io->answering) {
		shell_complain(run, "-sh: %.*s: Permission denied\n", SHELL_TEXT(word));
		return SHELL_STATUS_NOT_EXECUTABLE;
	}
	shell_end(run->shell, run->io, (unsigned)index);
	/* A copy of echo still echoes. */
	if (run->shell->files[index].flags & SHELL_FILE_IMAGE && !as_script)
		return shell_echo_applet(run, w, at + 1);
	return 0;
}

/* sh alone is another prompt; sh FILE runs the file. */
static int run_shell(struct shell_run *run, const struct shell_words *w, unsigned at)
{
	while (at < w->count && words_is_option(w->list[at])) {
		/* What -c carries is in the command's text; it is not run a second time. */
		if (line_is(w->list[at], "-c"))
			return 0;
		at++;
	}
	return at < w->count ? run_file(run, w, at, true) : 0;
}

static int not_found(struct shell_run *run, struct protocol_text word)
{
	const char *text = run->shell->android ? "/system/bin/sh: %: not found"
	                                      : protocol_persona(run->io, "shell.not-found");
	const char *percent = strchr(text, '%');

	if (percent)
		shell_complain(run, "%.*s%.*s%s\n", (int)(percent - text), text, SHELL_TEXT(word),
		    percent + 1);
	return SHELL_STATUS_NOT_FOUND;
}

/* Words that only pass on to the next one. */
static bool is_prefix(struct protocol_text word)
{
	static const char *const words[] = {"sudo", "nohup", "exec", "command", "time", "builtin",
		"if", "then", "else", "elif", "do", "while", "until", "!", "{", "(", "setsid"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (line_is(word, words[i]))
			return true;
	return false;
}

static bool is_skipped(struct protocol_text word)
{
	return line_is(word, "fi") || line_is(word, "done") || line_is(word, "esac")
	    || line_is(word, "}") || line_is(word, ")") || line_is(word, "for")
	    || line_is(word, "case") || line_is(word, ":");
}

static bool is_assignment(struct protocol_text word)
{
	const char *equals = word.len ? memchr(word.data, '=', word.len) : NULL;

	if (!equals || equals == word.data)
		return false;
	for (const char *c = word.data; c < equals; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return false;
	return true;
}

int shell_command(struct shell_run *run, const struct shell_words *w)
{
	unsigned at = 0;
	const struct applet *applet;
	struct protocol_text word;

	while (at < w->count && (is_prefix(w->list[at]) || is_assignment(w->list[at])))
		at++;
	if (at == w->count)
		return 0;
	word = w->list[at];
	if (word.len == 0 || is_skipped(word))
		return 0;
	if (memchr(word.data, '/', word.len))
		return run_file(run, w, at, false);
	if (line_is(word, ".") || line_is(word, "source"))
		return at + 1 < w->count ? run_file(run, w, at + 1, true) : 0;
	applet = find_applet(word);
	if (!applet || (applet->kind & LOADER && !is_there(run, word)))
		return not_found(run, word);
	return applet->run ? applet->run(run, w, at + 1) : 0;
}
