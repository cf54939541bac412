/*
 * What makes an installation itself: its persona, certificate and SSH host keys, made once and kept
 * beside the records, so that two sensors never look alike and one always looks the same.
 */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct identity {
	char *persona; /* persona_write's text */
	size_t persona_len;
	char *tls; /* PEM, key first; NULL when TLS is off */
	size_t tls_len;
	char *ssh; /* PEM, three keys; NULL until identity_load_ssh */
	size_t ssh_len;
};

/* Reads FOLDER/persona and FOLDER/tls.pem, makes what is missing (mode 0600).  A file that cannot
 * be read is an error with its name, never a new identity. */
ST_MUST_CHECK int identity_load(const char *folder, bool with_tls, struct identity *ret_identity,
    struct err *err);
/* The same with FOLDER/ssh-keys.pem, once it is needed; making them takes a second. */
ST_MUST_CHECK int identity_load_ssh(const char *folder, struct identity *identity,
    struct err *err);
void identity_free(struct identity *identity);
