/*
 * The confinement of the sensor's workers: what each may still ask of the kernel once it has its
 * descriptors.  Policy as data, one table per program (confine.def).
 *
 * Unlike `teiten` (sandbox.h) a worker links no library that makes system calls of its own choice,
 * so its filter is an allow-list: anything else kills it.
 */
#pragma once

#include "base/status.h"

enum os_program {
	OS_PROGRAM_RESPOND, /* accept, read, write, send on what it holds */
	OS_PROGRAM_CAPTURE, /* read the ring, write to its channel */
	OS_PROGRAM_SSH,     /* as the responder; pairs of sockets to its library */
	OS_PROGRAM_COURIER, /* receive and send datagrams, its channels */
	OS_PROGRAM_COUNT,
};

/*
 * For good, before the first hostile byte: another user when `user` is not NULL and we are root, no
 * capabilities, no new privileges, no core files, no files of any kind, Landlock with nothing
 * allowed where the kernel has it, and the program's system calls only.  Any of it that cannot be
 * applied is an error, and then the caller must stop.
 */
ST_MUST_CHECK int os_confine(enum os_program program, const char *user, struct err *err);

/* Becomes the user when we are root (the store does this and then uses sandbox.h). */
ST_MUST_CHECK int os_become(const char *user, struct err *err);

/* Drops every capability and what could bring one back. */
ST_MUST_CHECK int os_drop_capabilities(struct err *err);
