/* Parts of TLS that rules look into.  Private to detect/. */
#pragma once

#include "detect/signature/app.h"

/* app_tls_hello.c: what a hello says.  The body follows the handshake header. */
void tls_client_hello(struct budget *budget, struct app_values *v, const uint8_t *body, size_t len,
    const bool *wanted);
void tls_server_hello(struct budget *budget, struct app_values *v, const uint8_t *body, size_t len);

/* app_tls_cert.c: subject, issuer, serial number and fingerprint of the first certificate, and the
 * bytes of all.  The body is that of the certificate message. */
void tls_certificates(struct budget *budget, struct app_values *v, const uint8_t *body, size_t len);

void tls_hex(const uint8_t *p, size_t len, bool upper, char separator, char *out);
