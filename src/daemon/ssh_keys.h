/*
 * The host keys of an installation, as OpenSSH makes them: RSA 3072, ECDSA P-256, Ed25519.
 */
#pragma once

#include "base/status.h"

/* Makes new ones: three private keys in PEM, one after the other.  The caller frees it. */
ST_MUST_CHECK int ssh_keys_make(char **ret_pem, struct err *err);
