/*
 * A persona: the banners, names, versions and small texts of the answering side, chosen once per
 * installation, so that two installations never look alike and one always looks the same.
 *
 * The choices come from data/personas/PROTOCOL.txt, compiled in:
 *
 *   # comment
 *   ftp.banner
 *   	linux: 220 (vsFTPd 3.0.3)
 *   	router: 220 {model} FTP server ready
 *   	220 FTP Server ready.
 *
 * A line that begins in the first column names a key, MODULE.key; each indented line is an
 * alternative, for the kind of machine it begins with (linux, windows, router, camera) or for any.
 * \r \n \t \\ \xHH are understood; {hostname} {domain} {model} {serial} {mac} {company} stand for
 * names that are made up once.  Alternatives of the persona's own kind are preferred; among equals
 * the seed decides.  Long pages are one line with \n in it, or the key is written NAME< and the
 * alternatives are files beside it: `http.login< router: login-router.html`.
 */
#pragma once

#include "base/buf.h"
#include "base/status.h"

#include <stdint.h>

#define PERSONA_SEED_LEN 32

struct persona;

/* Chooses from the compiled-in texts; the same seed gives the same persona.  ST_MALFORMED names
 * the data file and line (a bug of ours, found by a test). */
ST_MUST_CHECK int persona_choose(const uint8_t seed[PERSONA_SEED_LEN],
    struct persona **ret_persona, struct err *err);

/* The choices as text (`KEY<TAB>VALUE` lines, escaped), to be kept, and read again: a kept value
 * wins over today's data, a key that is new gets a choice. */
void persona_write(const struct persona *persona, struct buf *b);
ST_MUST_CHECK int persona_read(const char *text, size_t len, struct persona **ret_persona,
    struct err *err);

/* The text for a key; "" for a key nobody has. */
const char *persona_text(const struct persona *persona, const char *key);

/* Bytes that only this installation has, for things derived per key (certificates, serials). */
const uint8_t *persona_seed(const struct persona *persona);

void persona_free(struct persona *persona);
