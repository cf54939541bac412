/*
 * What the program is printing to: a person's terminal or a file.
 */
#pragma once

#include <stdbool.h>

/* Columns assumed where the terminal does not say. */
#define OS_TERMINAL_COLUMNS_DEFAULT 80u

bool os_terminal_is(int fd);

/* Width of the terminal behind fd; the default where fd is none or does not know. */
unsigned os_terminal_columns(int fd);
