/*
 * The shell's files: a handful that visitors wrote, and the system's that loaders look at.
 *
 * A file is known by the hash of its path; of its content only the beginning is kept, the rest has
 * gone out as a payload.  Contract: shell_internal.h.
 */
#include "base/hash.h"
#include "base/wr.h"
#include "protocol/shell_internal.h"

#include <stdio.h>

/* ---- paths ---------------------------------------------------------------------------------- */

const char *shell_home(const struct protocol_io *io)
{
	const char *home = protocol_persona(io, "shell.home");

	return *home ? home : "/root";
}

static void add_component(struct shell_path *p, const char *name, size_t len)
{
	if (len == 0 || (len == 1 && name[0] == '.'))
		return;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		while (p->len > 0 && p->text[--p->len] != '/')
			;
		return;
	}
	if (len + 1 > sizeof(p->text) - 1 - p->len)
		len = sizeof(p->text) - 1 - p->len > 1 ? sizeof(p->text) - 2 - p->len : 0;
	if (len == 0)
		return;
	p->text[p->len++] = '/';
	memcpy(p->text + p->len, name, len);
	p->len += len;
}

static void add_components(struct shell_path *p, const char *path, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *slash = memchr(path + at, '/', len - at);
		size_t n = slash ? (size_t)(slash - path) - at : len - at;

		add_component(p, path + at, n);
		at += n + 1;
	}
}

struct shell_path shell_resolve(const struct shell_run *run, struct protocol_text path)
{
	struct shell_path p = {.len = 0};
	const struct shell *sh = run->shell;

	if (path.len > 0 && path.data[0] == '~') {
		add_components(&p, shell_home(run->io), strlen(shell_home(run->io)));
		path.data++;
		path.len--;
	} else if (path.len == 0 || path.data[0] != '/') {
		if (sh->cwd_len)
			add_components(&p, sh->cwd, sh->cwd_len);
		else
			add_components(&p, shell_home(run->io), strlen(shell_home(run->io)));
	}
	add_components(&p, path.data, path.len);
	if (p.len == 0)
		p.text[p.len++] = '/';
	p.text[p.len] = '\0';
	return p;
}

static uint32_t path_hash(const char *path, size_t len)
{
	uint32_t hash = hash_fnv32(path, len);

	return hash ? hash : 1;
}

static bool is_path(const struct shell_path *p, const char *text)
{
	return strcmp(p->text, text) == 0;
}

static bool is_below(const struct shell_path *p, const char *dir)
{
	size_t n = strlen(dir);

	return p->len >= n && memcmp(p->text, dir, n) == 0 && (p->len == n || p->text[n] == '/');
}

static struct protocol_text name_of(const struct shell_path *p)
{
	const char *slash = strrchr(p->text, '/');

	return (struct protocol_text){slash + 1, p->len - (size_t)(slash + 1 - p->text)};
}

static struct shell_path parent_of(const struct shell_path *p)
{
	struct shell_path parent = *p;

	parent.len -= name_of(p).len + (name_of(p).len + 1 < p->len);
	parent.text[parent.len] = '\0';
	return parent;
}

/* ---- the system's files --------------------------------------------------------------------- */

static const char *const directories[] = {"/", "/bin", "/boot", "/dev", "/dev/shm", "/etc",
	"/etc/init.d", "/home", "/lib", "/media", "/mnt", "/opt", "/proc", "/proc/self",
	"/proc/net", "/proc/1", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr", "/usr/bin",
	"/usr/lib", "/usr/local", "/usr/sbin", "/usr/share", "/var", "/var/log", "/var/run",
	"/var/tmp", "/var/lib", "/etc/config"};

static const char *const android_directories[] = {"/data", "/data/local", "/data/local/tmp",
	"/sdcard", "/storage", "/system", "/system/bin", "/system/xbin", "/vendor"};

/* Where nothing can be written, on machines with a read-only root. */
static const char *const firmware[] = {"/bin", "/boot", "/lib", "/sbin", "/usr", "/opt"};

bool shell_is_directory(const struct shell_run *run, const struct shell_path *path)
{
	int index = shell_find(run, path);

	if (index >= 0)
		return run->shell->files[index].flags & SHELL_FILE_DIRECTORY;
	/* What a passive capture's machine has is not known. */
	if (!run->io->answering)
		return true;
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		if (is_path(path, directories[i]))
			return true;
	for (size_t i = 0; run->shell->android
	    && i < sizeof(android_directories) / sizeof(android_directories[0]); i++)
		if (is_path(path, android_directories[i]))
			return true;
	return is_path(path, shell_home(run->io));
}

struct cpu {
	const char *name; /* as persona.cpu has it, and blob.h */
	const char *machine;
	uint8_t bits;
	bool big;
	uint16_t number;
	uint32_t flags;
	uint32_t base;
};

static const struct cpu cpus[] = {
	{"arm-le", "armv7l", 32, false, 40, 0x05000200, 0x00010000},
	{"mips-be", "mips", 32, true, 8, 0x70001005, 0x00400000},
	{"mips-le", "mips", 32, false, 8, 0x70001005, 0x00400000},
	{"x86-64", "x86_64", 64, false, 62, 0, 0x00400000},
};

static const struct cpu *cpu_of(const struct protocol_io *io)
{
	const char *name = protocol_persona(io, "persona.cpu");

	for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++)
		if (strcmp(cpus[i].name, name) == 0)
			return &cpus[i];
	return &cpus[0];
}

const char *shell_machine(const struct protocol_io *io)
{
	return cpu_of(io)->machine;
}

static void wr_half(struct wr *w, bool big, uint16_t v)
{
	if (big)
		wr_u16be(w, v);
	else
		wr_u16le(w, v);
}

static void wr_word(struct wr *w, bool big, uint32_t v)
{
	if (big)
		wr_u32be(w, v);
	else
		wr_u32le(w, v);
}

/* An address or offset. */
static void wr_addr(struct wr *w, const struct cpu *cpu, uint32_t v)
{
	if (cpu->bits == 64)
		wr_u64le(w, v);
	else
		wr_word(w, cpu->big, v);
}

#define IMAGE_SIZE 0x0006f3d8u
#define IMAGE_ENTRY 0x1100u

/* ELF header and one program header (System V ABI, figures 4-3 and 5-1). */
size_t shell_image(const struct protocol_io *io, uint8_t image[SHELL_IMAGE_MAX])
{
	const struct cpu *cpu = cpu_of(io);
	bool wide = cpu->bits == 64;
	struct wr w = wr_init(image, SHELL_IMAGE_MAX);
	uint8_t ident[16] = {0x7f, 'E', 'L', 'F', wide ? 2 : 1, cpu->big ? 2 : 1, 1};
	uint16_t header = wide ? 64 : 52;

	wr_bytes(&w, ident, sizeof(ident));
	wr_half(&w, cpu->big, 2); /* executable */
	wr_half(&w, cpu->big, cpu->number);
	wr_word(&w, cpu->big, 1);
	wr_addr(&w, cpu, cpu->base + IMAGE_ENTRY);
	wr_addr(&w, cpu, header);
	wr_addr(&w, cpu, IMAGE_SIZE);
	wr_word(&w, cpu->big, cpu->flags);
	wr_half(&w, cpu->big, header);
	wr_half(&w, cpu->big, wide ? 56 : 32);
	wr_half(&w, cpu->big, 1);
	wr_half(&w, cpu->big, wide ? 64 : 40);
	wr_half(&w, cpu->big, 24);
	wr_half(&w, cpu->big, 23);
	wr_word(&w, cpu->big, 1); /* PT_LOAD */
	if (wide)
		wr_word(&w, cpu->big, 5);
	wr_addr(&w, cpu, 0);
	wr_addr(&w, cpu, cpu->base);
	wr_addr(&w, cpu, cpu->base);
	wr_addr(&w, cpu, IMAGE_SIZE - 0x420);
	wr_addr(&w, cpu, IMAGE_SIZE - 0x420);
	if (!wide)
		wr_word(&w, cpu->big, 5);
	wr_addr(&w, cpu, 0x10000);
	return wr_len(&w);
}

struct system_text {
	const char *path;
	const char *key; /* of the persona */
};

static const struct system_text system_texts[] = {
	{"/proc/mounts", "shell.mounts"},
	{"/proc/self/mounts", "shell.mounts"},
	{"/etc/mtab", "shell.mounts"},
	{"/proc/version", "shell.version"},
	{"/proc/meminfo", "shell.meminfo"},
	{"/proc/uptime", "shell.uptime"},
	{"/etc/passwd", "shell.passwd"},
	{"/etc/hostname", "persona.hostname"},
	{"/etc/issue", "shell.issue"},
};

/* Text of a system file, NULL when there is none. */
static const char *system_text(const struct shell_run *run, const struct shell_path *path)
{
	char key[48];

	if (is_path(path, "/proc/cpuinfo")) {
		(void)snprintf(key, sizeof(key), "shell.cpuinfo.%s", cpu_of(run->io)->name);
		return protocol_persona(run->io, key);
	}
	for (size_t i = 0; i < sizeof(system_texts) / sizeof(system_texts[0]); i++)
		if (is_path(path, system_texts[i].path))
			return protocol_persona(run->io, system_texts[i].key);
	return NULL;
}

static bool is_system_image(const struct shell_path *path)
{
	struct shell_path dir = parent_of(path);

	if (is_path(path, "/proc/self/exe"))
		return true;
	return (is_path(&dir, "/bin") || is_path(&dir, "/sbin") || is_path(&dir, "/usr/bin")
	    || is_path(&dir, "/usr/sbin")) && shell_is_executable_name(name_of(path));
}

bool shell_is_system_file(const struct shell_run *run, const struct shell_path *path)
{
	return is_system_image(path) || system_text(run, path);
}

/* ---- files that were made here -------------------------------------------------------------- */

int shell_find(const struct shell_run *run, const struct shell_path *path)
{
	uint32_t hash = path_hash(path->text, path->len);

	for (unsigned i = 0; i < SHELL_FILES; i++)
		if (run->shell->files[i].path == hash)
			return (int)i;
	return -1;
}

void shell_end(struct shell *sh, struct protocol_io *io, unsigned index)
{
	struct shell_file *file = &sh->files[index];

	if (!(file->flags & SHELL_FILE_OPEN))
		return;
	file->flags &= (uint8_t)~SHELL_FILE_OPEN;
	protocol_payload_end(io, index, (struct protocol_text){file->name, file->name_len},
	    PROTOCOL_PIECE_END);
}

void shell_remove(struct shell_run *run, unsigned index)
{
	shell_end(run->shell, run->io, index);
	memset(&run->shell->files[index], 0, sizeof(run->shell->files[index]));
}

static bool is_device(const struct shell_path *path)
{
	static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/console", "/dev/tty",
		"/dev/stdout", "/dev/stderr", "/dev/watchdog", "/dev/misc/watchdog", "/dev/kmsg"};

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (is_path(path, devices[i]))
			return true;
	return false;
}

static bool is_read_only(const struct shell_run *run, const struct shell_path *path)
{
	struct shell_path dir = parent_of(path);

	if (!run->io->answering)
		return false;
	if (is_below(path, "/proc") || is_below(path, "/sys"))
		return true;
	if (strcmp(protocol_persona(run->io, "shell.root"), "ro") != 0)
		return false;
	if (is_path(&dir, "/"))
		return true;
	for (size_t i = 0; i < sizeof(firmware) / sizeof(firmware[0]); i++)
		if (is_below(path, firmware[i]))
			return true;
	return false;
}

/* A free slot; when there is none, the oldest file is given up. */
static unsigned new_slot(struct shell_run *run)
{
	struct shell *sh = run->shell;
	unsigned index;

	for (index = 0; index < SHELL_FILES; index++)
		if (!sh->files[index].path)
			return index;
	index = sh->next;
	sh->next = (uint8_t)((sh->next + 1) % SHELL_FILES);
	shell_remove(run, index);
	return index;
}

const char *shell_create(struct shell_run *run, const struct shell_path *path, bool append,
    int *ret_index)
{
	struct shell_path dir = parent_of(path);
	struct protocol_text name = name_of(path);
	int index = shell_find(run, path);
	struct shell_file *file;

	if (is_device(path)) {
		*ret_index = -1;
		return NULL;
	}
	if (index < 0 && shell_is_directory(run, path) && run->io->answering)
		return "Is a directory";
	if (!shell_is_directory(run, &dir))
		return "nonexistent directory";
	if (is_read_only(run, path))
		return is_below(path, "/proc") || is_below(path, "/sys") ? "Permission denied"
		                                                        : "Read-only file system";
	if (index >= 0 && run->shell->files[index].flags & SHELL_FILE_DIRECTORY)
		return "Is a directory";
	if (index < 0)
		index = (int)new_slot(run);
	else if (!append)
		shell_end(run->shell, run->io, (unsigned)index);
	file = &run->shell->files[index];
	if (!append) {
		file->size = 0;
		file->kept_len = 0;
		file->flags &= (uint8_t)~SHELL_FILE_IMAGE;
	}
	file->path = path_hash(path->text, path->len);
	file->name_len = (uint8_t)(name.len < SHELL_NAME_MAX ? name.len : SHELL_NAME_MAX);
	memcpy(file->name, name.data, file->name_len);
	*ret_index = index;
	return NULL;
}

void shell_append(struct shell_run *run, unsigned index, const void *data, size_t len)
{
	struct shell_file *file = &run->shell->files[index];
	size_t room = (size_t)SHELL_KEPT_MAX - file->kept_len;
	size_t n = len < room ? len : room;

	if (len == 0)
		return;
	if (file->size == file->kept_len && n > 0) {
		memcpy(file->kept + file->kept_len, data, n);
		file->kept_len = (uint8_t)(file->kept_len + n);
	}
	file->size = file->size > UINT32_MAX - len ? UINT32_MAX : file->size + (uint32_t)len;
	file->flags |= SHELL_FILE_OPEN;
	protocol_payload(run->io, index, (struct protocol_text){file->name, file->name_len}, data,
	    len);
}

void shell_touch(struct shell *shell, struct protocol_io *io, const char *text, size_t len)
{
	struct shell_run run;
	struct shell_path path;
	int index;

	run.shell = shell;
	run.io = io;
	path = shell_resolve(&run, (struct protocol_text){text, len});
	if (!shell_create(&run, &path, false, &index) && index >= 0)
		shell->files[index].flags |= SHELL_FILE_EXECUTABLE;
}

static size_t copy_out(char *to, size_t cap, const void *from, size_t len)
{
	size_t n = len < cap ? len : cap;

	if (n)
		memcpy(to, from, n);
	return n;
}

bool shell_read(struct shell_run *run, const struct shell_path *path, char *bytes, size_t cap,
    size_t *ret_len)
{
	int index = shell_find(run, path);
	uint8_t image[SHELL_IMAGE_MAX];
	const char *text;

	if (index >= 0) {
		const struct shell_file *file = &run->shell->files[index];
		size_t len = 0;

		if (file->flags & SHELL_FILE_IMAGE)
			len = copy_out(bytes, cap, image, shell_image(run->io, image));
		*ret_len = len + copy_out(bytes + len, cap - len, file->kept, file->kept_len);
		return !(file->flags & SHELL_FILE_DIRECTORY);
	}
	if (is_device(path)) {
		*ret_len = 0;
		return true;
	}
	if (is_system_image(path)) {
		*ret_len = copy_out(bytes, cap, image, shell_image(run->io, image));
		return true;
	}
	text = system_text(run, path);
	if (text)
		*ret_len = copy_out(bytes, cap, text, strlen(text));
	return text != NULL;
}
