/* Kinds of payloads; the contract is in blob.h. */
#include "protocol/blob.h"

#include "base/rd.h"

#include <stdio.h>
#include <strings.h>

static const char *const names[] = {
	[BLOB_EMPTY] = "empty",
	[BLOB_DATA] = "data",
	[BLOB_TEXT] = "text",
	[BLOB_SCRIPT] = "script",
	[BLOB_ELF] = "elf",
	[BLOB_PE] = "pe",
	[BLOB_MACHO] = "macho",
	[BLOB_CLASS] = "class",
	[BLOB_DEX] = "dex",
	[BLOB_GZIP] = "gzip",
	[BLOB_BZIP2] = "bzip2",
	[BLOB_XZ] = "xz",
	[BLOB_ZSTD] = "zstd",
	[BLOB_ZIP] = "zip",
	[BLOB_7Z] = "7z",
	[BLOB_RAR] = "rar",
	[BLOB_TAR] = "tar",
	[BLOB_PDF] = "pdf",
	[BLOB_HTML] = "html",
	[BLOB_XML] = "xml",
	[BLOB_JSON] = "json",
	[BLOB_PEM] = "pem",
	[BLOB_POSTSCRIPT] = "postscript",
	[BLOB_IMAGE] = "image",
	[BLOB_PCAP] = "pcap",
};

const char *blob_kind_name(enum blob_kind kind)
{
	return (size_t)kind < BLOB_KIND_COUNT ? names[kind] : names[BLOB_DATA];
}

struct magic {
	const char *bytes;
	size_t len;
	enum blob_kind kind;
};

#define MAGIC(text, kind) {text, sizeof(text) - 1, kind}

static const struct magic magics[] = {
	MAGIC("\x7f" "ELF", BLOB_ELF),
	MAGIC("#!", BLOB_SCRIPT),
	MAGIC("\x1f\x8b", BLOB_GZIP),
	MAGIC("BZh", BLOB_BZIP2),
	MAGIC("\xfd" "7zXZ\0", BLOB_XZ),
	MAGIC("\x28\xb5\x2f\xfd", BLOB_ZSTD),
	MAGIC("PK\3\4", BLOB_ZIP),
	MAGIC("PK\5\6", BLOB_ZIP),
	MAGIC("7z\xbc\xaf\x27\x1c", BLOB_7Z),
	MAGIC("Rar!\x1a\7", BLOB_RAR),
	MAGIC("%PDF-", BLOB_PDF),
	MAGIC("%!PS", BLOB_POSTSCRIPT),
	MAGIC("-----BEGIN ", BLOB_PEM),
	MAGIC("dex\n", BLOB_DEX),
	MAGIC("\xfe\xed\xfa\xce", BLOB_MACHO),
	MAGIC("\xfe\xed\xfa\xcf", BLOB_MACHO),
	MAGIC("\xce\xfa\xed\xfe", BLOB_MACHO),
	MAGIC("\xcf\xfa\xed\xfe", BLOB_MACHO),
	MAGIC("\xca\xfe\xba\xbe", BLOB_CLASS),
	MAGIC("\x89PNG\r\n\x1a\n", BLOB_IMAGE),
	MAGIC("\xff\xd8\xff", BLOB_IMAGE),
	MAGIC("GIF8", BLOB_IMAGE),
	MAGIC("\xd4\xc3\xb2\xa1", BLOB_PCAP),
	MAGIC("\xa1\xb2\xc3\xd4", BLOB_PCAP),
	MAGIC("\x0a\x0d\x0d\x0a", BLOB_PCAP),
};

/* The offset of "PE\0\0" is at 0x3c of a DOS header. */
#define DOS_PE_OFFSET 0x3c
#define TAR_MAGIC_OFFSET 257

static bool is_at(const uint8_t *data, size_t len, size_t at, const char *bytes, size_t n)
{
	return len >= at && len - at >= n && memcmp(data + at, bytes, n) == 0;
}

static size_t pe_offset(const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);
	uint32_t at;

	if (!is_at(data, len, 0, "MZ", 2))
		return 0;
	rd_skip(&r, DOS_PE_OFFSET);
	at = rd_u32le(&r);
	return !r.bad && is_at(data, len, at, "PE\0\0", 4) ? at : 0;
}

/* Text has no control characters but those of lines; UTF-8's upper bytes are let through. */
static bool is_text(const uint8_t *data, size_t len)
{
	size_t high = 0;

	for (size_t i = 0; i < len; i++) {
		if ((data[i] < ' ' && (data[i] < '\t' || data[i] > '\r') && data[i] != 0x1b)
		    || data[i] == 0x7f)
			return false;
		high += data[i] >= 0x80;
	}
	return high * 2 <= len;
}

static bool begins(const uint8_t *data, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len >= n && strncasecmp((const char *)data, word, n) == 0;
}

/* Commands that begin droppers without a #! line. */
static bool is_script(const uint8_t *data, size_t len)
{
	static const char *const words[] = {"cd /", "wget ", "curl ", "tftp ", "ftpget ",
		"busybox ", "/bin/busybox ", "rm -", "chmod ", "export ", "if [", "for ",
		"while ", "nohup ", "#/bin/", "# !/", "echo ", "kill", "pkill ", "ulimit ",
		"set -", "<?php", "@echo off", "powershell", "$", "import ", "sh ", "(cd ",
		"(wget ", "(curl "};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (begins(data, len, words[i]))
			return true;
	return false;
}

static enum blob_kind text_kind(const uint8_t *data, size_t len)
{
	while (len > 0 && (*data == ' ' || (*data >= '\t' && *data <= '\r'))) {
		data++;
		len--;
	}
	if (begins(data, len, "<!doctype html") || begins(data, len, "<html"))
		return BLOB_HTML;
	if (begins(data, len, "<?xml") || begins(data, len, "<soap")
	    || begins(data, len, "<s:envelope"))
		return BLOB_XML;
	if (is_script(data, len))
		return BLOB_SCRIPT;
	if (len > 1 && (*data == '{' || *data == '[') && memchr(data, '"', len))
		return BLOB_JSON;
	return BLOB_TEXT;
}

enum blob_kind blob_kind(const void *blob, size_t len)
{
	const uint8_t *data = blob;
	size_t start = len < BLOB_PREFIX_MAX ? len : BLOB_PREFIX_MAX;

	if (len == 0)
		return BLOB_EMPTY;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (is_at(data, len, 0, magics[i].bytes, magics[i].len))
			return magics[i].kind;
	if (pe_offset(data, len) > 0)
		return BLOB_PE;
	if (is_at(data, len, TAR_MAGIC_OFFSET, "ustar", 5))
		return BLOB_TAR;
	if (is_text(data, start))
		return text_kind(data, start);
	return BLOB_DATA;
}

/* ---- processors ----------------------------------------------------------------------------- */

struct machine {
	uint16_t number;
	const char *name;
	const char *name_64; /* when the file is of the 64-bit class; NULL: the same */
	char usual;          /* 'l', 'b': that byte order is not said; 0: always said */
};

static const struct machine elf_machines[] = {
	{2, "sparc", NULL, 0},
	{3, "x86", NULL, 'l'},
	{4, "m68k", NULL, 0},
	{8, "mips", "mips64", 0},
	{10, "mips", "mips64", 0},
	{15, "parisc", NULL, 0},
	{18, "sparc", NULL, 0},
	{20, "ppc", NULL, 0},
	{21, "ppc64", NULL, 0},
	{22, "s390", "s390x", 0},
	{40, "arm", NULL, 0},
	{42, "sh4", NULL, 0},
	{43, "sparc64", NULL, 0},
	{45, "arc", NULL, 0},
	{62, "x86-64", NULL, 'l'},
	{93, "arc", NULL, 0},
	{94, "xtensa", NULL, 0},
	{183, "aarch64", NULL, 'l'},
	{189, "microblaze", NULL, 0},
	{195, "arc", NULL, 0},
	{243, "riscv32", "riscv64", 'l'},
	{258, "loongarch32", "loongarch64", 'l'},
};

#define ELF_CLASS 4
#define ELF_DATA 5
#define ELF_CLASS_64 2
#define ELF_LITTLE 1
#define ELF_BIG 2
#define ELF_MACHINE 18

static size_t elf_cpu(const uint8_t *data, size_t len, char *out)
{
	struct rd r = rd_init(data, len);
	char order;
	uint16_t number;
	const char *name = NULL;
	char usual = 0;

	rd_skip(&r, ELF_MACHINE);
	if (r.bad || (data[ELF_DATA] != ELF_LITTLE && data[ELF_DATA] != ELF_BIG))
		return 0;
	order = data[ELF_DATA] == ELF_LITTLE ? 'l' : 'b';
	number = order == 'l' ? rd_u16le(&r) : rd_u16be(&r);
	if (r.bad)
		return 0;
	for (size_t i = 0; i < sizeof(elf_machines) / sizeof(elf_machines[0]); i++) {
		const struct machine *m = &elf_machines[i];

		if (m->number != number)
			continue;
		name = data[ELF_CLASS] == ELF_CLASS_64 && m->name_64 ? m->name_64 : m->name;
		usual = m->usual;
	}
	if (!name)
		return (size_t)snprintf(out, BLOB_CPU_TEXT, "elf-%u-%ce", (unsigned)number, order);
	if (usual == order)
		return (size_t)snprintf(out, BLOB_CPU_TEXT, "%s", name);
	return (size_t)snprintf(out, BLOB_CPU_TEXT, "%s-%ce", name, order);
}

static size_t pe_cpu(const uint8_t *data, size_t len, size_t at, char *out)
{
	struct rd r = rd_init(data, len);
	uint16_t number;
	const char *name;

	rd_skip(&r, at + 4);
	number = rd_u16le(&r);
	if (r.bad)
		return 0;
	switch (number) {
	case 0x014c:
		name = "x86";
		break;
	case 0x8664:
		name = "x86-64";
		break;
	case 0x01c0:
	case 0x01c4:
		name = "arm-le";
		break;
	case 0xaa64:
		name = "aarch64";
		break;
	default:
		return 0;
	}
	return (size_t)snprintf(out, BLOB_CPU_TEXT, "%s", name);
}

size_t blob_cpu(const void *blob, size_t len, char out[BLOB_CPU_TEXT])
{
	const uint8_t *data = blob;
	size_t at;

	out[0] = '\0';
	if (is_at(data, len, 0, "\x7f" "ELF", 4))
		return elf_cpu(data, len, out);
	at = pe_offset(data, len);
	return at > 0 ? pe_cpu(data, len, at, out) : 0;
}
