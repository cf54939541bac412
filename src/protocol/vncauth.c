/* VNC authentication; the contract is in vncauth.h. */
#include "protocol/vncauth.h"

#include "base/embed.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define DES_BLOCK 8

extern const struct embed_file pattern_files[];

static uint8_t reverse_bits(uint8_t c)
{
	c = (uint8_t)(c >> 4 | c << 4);
	c = (uint8_t)((c & 0xcc) >> 2 | (c & 0x33) << 2);
	return (uint8_t)((c & 0xaa) >> 1 | (c & 0x55) << 1);
}

/*
 * Single DES as triple DES with one key three times: OpenSSL keeps the former in a provider that
 * is not loaded by default.
 */
static bool encrypt(EVP_CIPHER_CTX *ctx, const char *password, size_t len, const uint8_t *in,
    int in_len, uint8_t *out)
{
	uint8_t key[3 * DES_BLOCK] = {0};
	int out_len = 0;

	for (size_t i = 0; i < len && i < VNCAUTH_PASSWORD_MAX; i++)
		key[i] = reverse_bits((uint8_t)password[i]);
	memcpy(key + DES_BLOCK, key, DES_BLOCK);
	memcpy(key + 2 * DES_BLOCK, key, DES_BLOCK);
	return EVP_EncryptInit_ex(ctx, NULL, NULL, key, NULL)
	    && EVP_EncryptUpdate(ctx, out, &out_len, in, in_len) && out_len == in_len;
}

static EVP_CIPHER_CTX *cipher_new(void)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx && EVP_EncryptInit_ex(ctx, EVP_des_ede3_ecb(), NULL, NULL, NULL)
	    && EVP_CIPHER_CTX_set_padding(ctx, 0))
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

bool vncauth_response(const char *password, size_t len, const uint8_t challenge[VNCAUTH_LEN],
    uint8_t ret_response[VNCAUTH_LEN])
{
	EVP_CIPHER_CTX *ctx = cipher_new();
	bool ok = ctx && encrypt(ctx, password, len, challenge, VNCAUTH_LEN, ret_response);

	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* The next line that is a password; false at the end. */
static bool next_word(const char **next, const char **ret_word, size_t *ret_len)
{
	while (**next) {
		size_t len = strcspn(*next, "\n");

		*ret_word = *next;
		*ret_len = len;
		*next += len + ((*next)[len] == '\n');
		if (len > 0 && **ret_word != '#')
			return true;
	}
	return false;
}

bool vncauth_crack(const uint8_t challenge[VNCAUTH_LEN], const uint8_t response[VNCAUTH_LEN],
    char ret_password[VNCAUTH_PASSWORD_MAX + 1])
{
	const struct embed_file *list = embed_find(pattern_files, "vnc-passwords.txt");
	EVP_CIPHER_CTX *ctx = cipher_new();
	const char *next = list ? list->data : "";
	const char *word = ""; /* the empty password is tried first */
	size_t len = 0;
	bool found = false;

	while (ctx && !found) {
		uint8_t out[VNCAUTH_LEN];

		found = encrypt(ctx, word, len, challenge, VNCAUTH_LEN, out)
		    && memcmp(out, response, VNCAUTH_LEN) == 0;
		if (found || !next_word(&next, &word, &len))
			break;
	}
	EVP_CIPHER_CTX_free(ctx);
	if (!found)
		return false;
	len = len < VNCAUTH_PASSWORD_MAX ? len : VNCAUTH_PASSWORD_MAX;
	memcpy(ret_password, word, len);
	ret_password[len] = '\0';
	return true;
}

size_t vncauth_hash(const uint8_t *challenge, const uint8_t response[VNCAUTH_LEN],
    char out[VNCAUTH_HASH_TEXT])
{
	char *p = out + snprintf(out, VNCAUTH_HASH_TEXT, "$vnc$*");

	for (unsigned i = 0; challenge && i < VNCAUTH_LEN; i++)
		p += snprintf(p, 3, "%02X", challenge[i]);
	*p++ = '*';
	for (unsigned i = 0; i < VNCAUTH_LEN; i++)
		p += snprintf(p, 3, "%02X", response[i]);
	return (size_t)(p - out);
}
