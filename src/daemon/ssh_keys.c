/*
 * Host keys; the contract is in ssh_keys.h.
 *
 * RSA and ECDSA are written as PKCS #8; Ed25519 in OpenSSH's own format (PROTOCOL.key of OpenSSH),
 * for libssh before 0.11 reads no public key from the other.
 */
#include "daemon/ssh_keys.h"

#include "base/buf.h"
#include "base/wr.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#define RSA_BITS 3072
#define ED25519_LEN 32u
#define PUBLIC_LEN (4 + 11 + 4 + ED25519_LEN)
#define OPENSSH_MAX 512u
#define OPENSSH_BLOCK 8u
#define BASE64_LINE 70u

static void put_string(struct wr *w, const void *data, size_t len)
{
	wr_u32be(w, (uint32_t)len);
	wr_bytes(w, data, len);
}

static void put_public(struct wr *w, const uint8_t *public)
{
	put_string(w, "ssh-ed25519", 11);
	put_string(w, public, ED25519_LEN);
}

/* The private part, padded with 1, 2, 3 …; returns its length. */
static size_t put_private(uint8_t *out, size_t cap, const uint8_t *public, const uint8_t *seed)
{
	struct wr w = wr_init(out, cap);
	uint8_t both[2 * ED25519_LEN];
	uint8_t check[4];

	if (RAND_bytes(check, sizeof(check)) != 1)
		return 0;
	memcpy(both, seed, ED25519_LEN);
	memcpy(both + ED25519_LEN, public, ED25519_LEN);
	wr_bytes(&w, check, sizeof(check));
	wr_bytes(&w, check, sizeof(check));
	put_public(&w, public);
	put_string(&w, both, sizeof(both));
	put_string(&w, "", 0);
	for (uint8_t pad = 1; wr_len(&w) % OPENSSH_BLOCK != 0; pad++)
		wr_u8(&w, pad);
	OPENSSL_cleanse(both, sizeof(both));
	return w.bad ? 0 : wr_len(&w);
}

static void put_base64(struct buf *b, const uint8_t *data, size_t len)
{
	char text[OPENSSH_MAX * 2];
	size_t n = (size_t)EVP_EncodeBlock((unsigned char *)text, data, (int)len);

	for (size_t at = 0; at < n; at += BASE64_LINE) {
		buf_append(b, text + at, n - at < BASE64_LINE ? n - at : BASE64_LINE);
		buf_putc(b, '\n');
	}
	OPENSSL_cleanse(text, sizeof(text));
}

static int write_ed25519(struct buf *b)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	uint8_t public[ED25519_LEN];
	uint8_t seed[ED25519_LEN];
	uint8_t private[OPENSSH_MAX / 2];
	uint8_t whole[OPENSSH_MAX];
	struct wr w = wr_init(whole, sizeof(whole));
	size_t public_len = sizeof(public);
	size_t seed_len = sizeof(seed);
	size_t private_len = 0;

	if (key && EVP_PKEY_get_raw_public_key(key, public, &public_len) == 1
	    && EVP_PKEY_get_raw_private_key(key, seed, &seed_len) == 1)
		private_len = put_private(private, sizeof(private), public, seed);
	EVP_PKEY_free(key);
	wr_bytes(&w, "openssh-key-v1", sizeof("openssh-key-v1"));
	put_string(&w, "none", 4); /* cipher */
	put_string(&w, "none", 4); /* key derivation … */
	put_string(&w, "", 0);     /* … and its options */
	wr_u32be(&w, 1);
	wr_u32be(&w, PUBLIC_LEN);
	put_public(&w, public);
	put_string(&w, private, private_len);
	if (w.bad || private_len == 0)
		return ST_ENGINE;
	buf_puts(b, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
	put_base64(b, whole, wr_len(&w));
	buf_puts(b, "-----END OPENSSH PRIVATE KEY-----\n");
	OPENSSL_cleanse(seed, sizeof(seed));
	OPENSSL_cleanse(private, sizeof(private));
	OPENSSL_cleanse(whole, sizeof(whole));
	return ST_OK;
}

static int write_pkcs8(struct buf *b, EVP_PKEY *key)
{
	BIO *pem = BIO_new(BIO_s_mem());
	int rc = ST_ENGINE;
	char *data;

	if (pem && key && PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL)) {
		long len = BIO_get_mem_data(pem, &data);

		buf_append(b, data, (size_t)len);
		rc = ST_OK;
	}
	BIO_free(pem);
	EVP_PKEY_free(key);
	return rc;
}

int ssh_keys_make(char **ret_pem, struct err *err)
{
	struct buf b = {0};
	int rc = write_pkcs8(&b, EVP_RSA_gen(RSA_BITS));

	if (!rc)
		rc = write_pkcs8(&b, EVP_EC_gen("P-256"));
	if (!rc)
		rc = write_ed25519(&b);
	if (!rc && b.failed)
		rc = -ENOMEM;
	if (!rc)
		*ret_pem = buf_take(&b);
	buf_fini(&b);
	return rc ? err_set(err, rc, "cannot make SSH host keys: %s", st_text(rc)) : ST_OK;
}
