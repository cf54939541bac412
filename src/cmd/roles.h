/*
 * Roles for people: their words and reasons in both languages.
 */
#pragma once

#include "base/buf.h"
#include "detect/role.h"
#include "publish/publish.h"

/* A word for a column: "scanner", "探索". */
const char *roles_word(enum role role, enum publish_language language);

/* What to do about such an address: "" or a sentence. */
const char *roles_advice(enum role role, enum publish_language language);

/* Appends a reason as role_judge writes it, in the language. */
void roles_put_reason(struct buf *b, const char *reason, enum publish_language language);
