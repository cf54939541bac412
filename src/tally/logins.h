/*
 * Distinct logins of a run with how often each came: protocol, user, password and source.
 *
 * Exact, keys compared in full, within a bound; what comes after the bound is counted as a whole.
 */
#pragma once

#include "base/ip.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define LOGINS_MAX (1u << 20)
#define LOGINS_TEXT_MAX (256u << 20)

struct login_count {
	struct ip source;
	uint64_t count;
	const char *user; /* bytes as they came */
	const char *password;
	uint16_t user_len;
	uint16_t password_len;
	uint16_t protocol; /* module number */
};

struct logins;

ST_MUST_CHECK int logins_new(struct logins **ret_logins);
void logins_free(struct logins *logins);

/* Texts longer than 65535 bytes are cut.  -ENOMEM. */
ST_MUST_CHECK int logins_add(struct logins *logins, uint16_t protocol, struct ip source,
    const char *user, size_t user_len, const char *password, size_t password_len);

/* In the order of first sight. */
size_t logins_count(const struct logins *logins);
const struct login_count *logins_at(const struct logins *logins, size_t i);

/* All logins, and those of them that found no room. */
uint64_t logins_total(const struct logins *logins);
uint64_t logins_uncounted(const struct logins *logins);
