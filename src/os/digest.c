/* SHA-256 by libcrypto's EVP; the contract is in digest.h. */
#include "os/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_SIZE (1u << 18)

struct os_sha256 {
	EVP_MD_CTX *ctx;
	bool failed;
};

void os_digest_prepare(void)
{
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL); /* else it reads it, later */
}

int os_sha256_new(struct os_sha256 **ret_sha)
{
	struct os_sha256 *sha = calloc(1, sizeof(*sha));

	if (!sha)
		return -ENOMEM;
	sha->ctx = EVP_MD_CTX_new();
	if (!sha->ctx || EVP_DigestInit_ex(sha->ctx, EVP_sha256(), NULL) != 1) {
		os_sha256_free(sha);
		return ST_ENGINE;
	}
	*ret_sha = sha;
	return ST_OK;
}

void os_sha256_update(struct os_sha256 *sha, const void *data, size_t len)
{
	if (len && EVP_DigestUpdate(sha->ctx, data, len) != 1)
		sha->failed = true;
}

int os_sha256_finish(struct os_sha256 *sha, uint8_t ret_digest[OS_SHA256_LEN])
{
	bool failed = sha->failed;
	uint8_t digest[OS_SHA256_LEN];
	unsigned len = 0;

	if (EVP_DigestFinal_ex(sha->ctx, digest, &len) != 1 || len != OS_SHA256_LEN)
		failed = true;
	sha->failed = EVP_DigestInit_ex(sha->ctx, EVP_sha256(), NULL) != 1;
	if (failed)
		return ST_ENGINE;
	for (size_t i = 0; i < OS_SHA256_LEN; i++)
		ret_digest[i] = digest[i];
	return ST_OK;
}

void os_sha256_free(struct os_sha256 *sha)
{
	if (!sha)
		return;
	EVP_MD_CTX_free(sha->ctx);
	free(sha);
}

int os_sha256(const void *data, size_t len, uint8_t ret_digest[OS_SHA256_LEN])
{
	unsigned out = 0;

	if (EVP_Digest(len ? data : "", len, ret_digest, &out, EVP_sha256(), NULL) != 1 ||
	    out != OS_SHA256_LEN)
		return ST_ENGINE;
	return ST_OK;
}

int os_sha256_file(
    const char *path, uint8_t ret_digest[OS_SHA256_LEN], uint64_t *ret_size, struct err *err)
{
	struct os_sha256 *sha = NULL;
	uint8_t *piece = malloc(READ_SIZE);
	uint64_t size = 0;
	int fd = -1;
	int ret;

	if (!piece) {
		ret = err_set(err, -ENOMEM, "%s: out of memory", path);
		goto out;
	}
	ret = os_sha256_new(&sha);
	if (ret != ST_OK) {
		(void)err_set(err, ret, "%s: SHA-256: %s", path, st_text(ret));
		goto out;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		ret = err_set(err, -errno, "%s: cannot open: %s", path, st_text(-errno));
		goto out;
	}
	for (;;) {
		ssize_t n = read(fd, piece, READ_SIZE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			ret = err_set(err, -errno, "%s: cannot read: %s", path, st_text(-errno));
			goto out;
		}
		if (n == 0)
			break;
		os_sha256_update(sha, piece, (size_t)n);
		size += (uint64_t)n;
	}
	ret = os_sha256_finish(sha, ret_digest);
	if (ret != ST_OK)
		(void)err_set(err, ret, "%s: SHA-256: %s", path, st_text(ret));
	else if (ret_size)
		*ret_size = size;
out:
	if (fd >= 0)
		(void)close(fd);
	os_sha256_free(sha);
	free(piece);
	return ret;
}

const char *os_sha256_format(const uint8_t digest[OS_SHA256_LEN], char text[OS_SHA256_TEXT_MAX])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < OS_SHA256_LEN; i++) {
		text[2 * i] = hex[digest[i] >> 4];
		text[2 * i + 1] = hex[digest[i] & 15];
	}
	text[2 * OS_SHA256_LEN] = '\0';
	return text;
}
