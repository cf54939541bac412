/*
 * A choice without a branch, for conditions that nobody can foretell: a branch that goes wrong
 * every other time costs more than computing both.  Compilers make branches of ?: as they see fit.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline uint32_t choose_u32(bool condition, uint32_t yes, uint32_t no)
{
	uint32_t mask = -(uint32_t)condition;

	return (yes & mask) | (no & ~mask);
}
