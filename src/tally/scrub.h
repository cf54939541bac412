/*
 * Takes a sensor's own address out of texts before they are kept: visitors quote it in URLs, Host
 * headers and commands, and a published text would say where the sensor is.
 */
#pragma once

#include "base/ip.h"

#include <stddef.h>

#define SCRUB_MARK "{sensor}"

/*
 * Copies text to out, every spelling of the address (dotted, IPv6 in full and short form, hex
 * digits, decimal number, each also percent-encoded) replaced by SCRUB_MARK, invalid UTF-8 and NUL
 * by U+FFFD.  Cuts at cap, never inside a character.  Returns the length.
 */
size_t scrub_text(struct ip address, const char *text, size_t len, char *out, size_t cap);
