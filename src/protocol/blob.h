/*
 * What a payload is, from its first bytes: the kind of file, and for executables the processor.
 *
 * A judgement of magic numbers, nothing is unpacked.  Sources: System V ABI (ELF) and its registry
 * of machines, Microsoft PE/COFF, the file formats' own documents.
 */
#pragma once

#include <stddef.h>

enum blob_kind {
	BLOB_EMPTY,
	BLOB_DATA, /* none of the others */
	BLOB_TEXT, /* printable, whatever it says */
	BLOB_SCRIPT,
	BLOB_ELF,
	BLOB_PE,
	BLOB_MACHO,
	BLOB_CLASS, /* Java */
	BLOB_DEX,
	BLOB_GZIP,
	BLOB_BZIP2,
	BLOB_XZ,
	BLOB_ZSTD,
	BLOB_ZIP, /* jar and apk too */
	BLOB_7Z,
	BLOB_RAR,
	BLOB_TAR,
	BLOB_PDF,
	BLOB_HTML,
	BLOB_XML,
	BLOB_JSON,
	BLOB_PEM,
	BLOB_POSTSCRIPT,
	BLOB_IMAGE,
	BLOB_PCAP,
	BLOB_KIND_COUNT,
};

/* So many first bytes are enough for everything below. */
#define BLOB_PREFIX_MAX 512

enum blob_kind blob_kind(const void *data, size_t len);

/* "elf", "script", "text" …; never NULL. */
const char *blob_kind_name(enum blob_kind kind);

#define BLOB_CPU_TEXT 24

/*
 * The processor an ELF or PE file runs on, with its byte order where there are two: "mips-be",
 * "arm-le", "x86-64", "x86".  An ELF machine that has no name here is "elf-NUMBER-le".  Returns
 * the length, 0 (and an empty text) when the payload is neither or too short to say.
 */
size_t blob_cpu(const void *data, size_t len, char out[BLOB_CPU_TEXT]);
