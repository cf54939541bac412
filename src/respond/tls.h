/*
 * TLS for the answering side, by OpenSSL over memory: bytes of the network in, plain bytes out, and
 * back.  The engine owns the sockets; this never sees one.
 */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_server; /* certificate and key of this installation */
struct tls;        /* one connection */

/*
 * Makes a key and a self-signed certificate for the names of a persona, as PEM in one text (key
 * first) that the caller keeps and frees.  ST_ENGINE.
 */
ST_MUST_CHECK int tls_identity_make(const char *common_name, const char *organization,
    char **ret_pem, struct err *err);

/* From that text.  Old versions and weak ciphers are taken: scanners speak them.  ST_ENGINE. */
ST_MUST_CHECK int tls_server_new(const char *pem, size_t len, struct tls_server **ret_server,
    struct err *err);
void tls_server_free(struct tls_server *server);

/* -ENOMEM. */
ST_MUST_CHECK int tls_open(struct tls_server *server, struct tls **ret_tls);
void tls_free(struct tls *tls);

/* Bytes from the network. */
void tls_give(struct tls *tls, const void *data, size_t len);

/* Goes on with the handshake and reads plain bytes; returns how many, 0 when there are none (yet).
 * A broken or ended connection sets *ret_over. */
size_t tls_read(struct tls *tls, void *buf, size_t cap, bool *ret_over);

/* Plain bytes to be sent. */
void tls_write(struct tls *tls, const void *data, size_t len);

/* Takes bytes for the network; returns how many, at most cap. */
size_t tls_take(struct tls *tls, void *buf, size_t cap);

bool tls_is_open(const struct tls *tls); /* the handshake is complete */
