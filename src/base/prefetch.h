/*
 * How a helper that only asks the cache for memory is declared.
 *
 * To gcc such a function has no effect, and it drops a call that it did not inline before it found
 * that out: the prefetch is in the source and not in the program.  Inlined always, it stays.  A helper
 * in a .c file must not be called from that file, for the same reason.
 */
#pragma once

#define PREFETCH_HELPER __attribute__((always_inline)) static inline
