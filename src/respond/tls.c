/* TLS over memory; the contract is in tls.h. */
#include "respond/tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BITS 2048
#define VALID_DAYS 3650
#define AGE_DAYS 400 /* a certificate made this minute is a fingerprint */
#define DAY_SECONDS 86400L

struct tls_server {
	SSL_CTX *context;
};

struct tls {
	SSL *ssl;
	BIO *in;
	BIO *out;
};

static int engine_error(struct err *err, const char *what)
{
	unsigned long code = ERR_get_error();

	return err_set(err, ST_ENGINE, "%s: %s", what,
	    code ? ERR_reason_error_string(code) : "unknown error of the TLS library");
}

static int name_certificate(X509 *x, const char *common_name, const char *organization)
{
	X509_NAME *name = X509_get_subject_name(x);
	uint8_t serial[8];
	BIGNUM *number;
	int ok;

	if (RAND_bytes(serial, sizeof(serial)) != 1)
		return 0;
	number = BN_bin2bn(serial, sizeof(serial), NULL);
	ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL
	    && X509_gmtime_adj(X509_getm_notBefore(x), -AGE_DAYS * DAY_SECONDS) != NULL
	    && X509_gmtime_adj(X509_getm_notAfter(x), (VALID_DAYS - AGE_DAYS) * DAY_SECONDS) != NULL
	    && X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
		(const unsigned char *)organization, -1, -1, 0)
	    && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		(const unsigned char *)common_name, -1, -1, 0)
	    && X509_set_issuer_name(x, name);
	BN_free(number);
	return ok;
}

int tls_identity_make(const char *common_name, const char *organization, char **ret_pem,
    struct err *err)
{
	EVP_PKEY *key = EVP_RSA_gen(KEY_BITS);
	X509 *x = X509_new();
	BIO *pem = BIO_new(BIO_s_mem());
	char *data;
	long len;
	int rc = ST_OK;

	if (!key || !x || !pem || !X509_set_version(x, X509_VERSION_3)
	    || !name_certificate(x, common_name, organization) || !X509_set_pubkey(x, key)
	    || !X509_sign(x, key, EVP_sha256())
	    || !PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL)
	    || !PEM_write_bio_X509(pem, x)) {
		rc = engine_error(err, "cannot make a certificate");
		goto out;
	}
	len = BIO_get_mem_data(pem, &data);
	*ret_pem = strndup(data, (size_t)len);
	if (!*ret_pem)
		rc = err_set(err, -ENOMEM, "out of memory");
out:
	BIO_free(pem);
	X509_free(x);
	EVP_PKEY_free(key);
	return rc;
}

int tls_server_new(const char *pem, size_t len, struct tls_server **ret_server, struct err *err)
{
	struct tls_server *server = calloc(1, sizeof(*server));
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	X509 *x = key ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	int rc = ST_OK;

	if (server)
		server->context = SSL_CTX_new(TLS_server_method());
	if (!server || !x || !server->context || !SSL_CTX_use_certificate(server->context, x)
	    || !SSL_CTX_use_PrivateKey(server->context, key)) {
		rc = engine_error(err, "certificate of this installation");
		tls_server_free(server);
		goto out;
	}
	SSL_CTX_set_security_level(server->context, 0);
	(void)SSL_CTX_set_min_proto_version(server->context, 0);
	(void)SSL_CTX_set_cipher_list(server->context, "ALL:COMPLEMENTOFDEFAULT:!eNULL:@SECLEVEL=0");
	SSL_CTX_set_session_cache_mode(server->context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(server->context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION
	    | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(server->context, SSL_MODE_RELEASE_BUFFERS);
	*ret_server = server;
out:
	X509_free(x);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return rc;
}

void tls_server_free(struct tls_server *server)
{
	if (!server)
		return;
	SSL_CTX_free(server->context);
	free(server);
}

int tls_open(struct tls_server *server, struct tls **ret_tls)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return -ENOMEM;
	tls->ssl = SSL_new(server->context);
	tls->in = BIO_new(BIO_s_mem());
	tls->out = BIO_new(BIO_s_mem());
	if (!tls->ssl || !tls->in || !tls->out) {
		BIO_free(tls->in);
		BIO_free(tls->out);
		SSL_free(tls->ssl);
		free(tls);
		return -ENOMEM;
	}
	SSL_set_bio(tls->ssl, tls->in, tls->out); /* the connection owns both from here on */
	SSL_set_accept_state(tls->ssl);
	*ret_tls = tls;
	return ST_OK;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	free(tls);
}

void tls_give(struct tls *tls, const void *data, size_t len)
{
	size_t written;

	if (len > 0)
		(void)BIO_write_ex(tls->in, data, len, &written);
}

size_t tls_read(struct tls *tls, void *buf, size_t cap, bool *ret_over)
{
	int n;
	int why;

	ERR_clear_error();
	n = SSL_read(tls->ssl, buf, (int)cap);
	if (n > 0)
		return (size_t)n;
	why = SSL_get_error(tls->ssl, n);
	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
		*ret_over = true;
	return 0;
}

void tls_write(struct tls *tls, const void *data, size_t len)
{
	ERR_clear_error();
	if (len > 0)
		(void)SSL_write(tls->ssl, data, (int)len);
}

size_t tls_take(struct tls *tls, void *buf, size_t cap)
{
	size_t n = 0;

	if (BIO_ctrl_pending(tls->out) == 0 || !BIO_read_ex(tls->out, buf, cap, &n))
		return 0;
	return n;
}

bool tls_is_open(const struct tls *tls)
{
	return SSL_is_init_finished(tls->ssl);
}
