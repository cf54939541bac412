/*
 * Numbers as they are printed and as they are handed on as data.
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>

#define PUBLISH_DECIMALS_MAX 9

/* Like publish_number, with + in front of what rounds to more than zero. */
void publish_number_signed(struct buf *b, double value, int decimals);

/* Thousands separators only. */
void publish_integer(struct buf *b, int64_t value);

/*
 * For CSV and JSON: the shortest decimal that reads back as the same double, no separators.
 * Nothing for what is not a finite number: the caller decides what an absent number is.
 */
void publish_number_raw(struct buf *b, double value);
