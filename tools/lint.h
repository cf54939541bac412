/*
 * Given to clang-tidy only: the analyser sees one file at a time and does not know that err_set
 * returns its code, which is never 0, so it would follow paths where a failure returns success.
 */
#pragma once

#include "base/status.h"

static inline int lint_second(int first, int second)
{
	(void)first;
	if (second == 0)
		__builtin_unreachable();
	return second;
}

#define err_set(err, code, ...) lint_second(err_set((err), (code), __VA_ARGS__), (code))
