/* Blobs from pieces; the contract is in blobs.h. */
#include "tally/blobs.h"

#include "protocol/encoding.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 1024u

struct blobs {
	uint64_t memory;
};

int blobs_new(struct blobs **ret_blobs)
{
	*ret_blobs = calloc(1, sizeof(**ret_blobs));
	return *ret_blobs ? ST_OK : -ENOMEM;
}

void blobs_free(struct blobs *blobs)
{
	free(blobs);
}

struct blob *blobs_open(struct blobs *blobs, struct blob **list, unsigned number)
{
	struct blob *blob;

	for (blob = *list; blob; blob = blob->next)
		if (blob->number == number)
			return blob;
	if (blobs->memory + sizeof(*blob) > BLOBS_MEMORY)
		return NULL;
	blob = calloc(1, sizeof(*blob));
	if (!blob)
		return NULL;
	blob->digest = EVP_MD_CTX_new();
	if (!blob->digest || !EVP_DigestInit_ex(blob->digest, EVP_sha256(), NULL)) {
		EVP_MD_CTX_free(blob->digest);
		free(blob);
		return NULL;
	}
	blob->number = number;
	blob->next = *list;
	*list = blob;
	blobs->memory += sizeof(*blob);
	return blob;
}

void blobs_name(struct blob *blob, const char *name, size_t len)
{
	if (len == 0)
		return;
	blob->name_len = (uint8_t)(len < BLOBS_NAME ? len : BLOBS_NAME);
	memcpy(blob->name, name, blob->name_len);
}

/* Makes room for so many bytes in all; false when the blob is not kept any more. */
static bool reserve(struct blobs *blobs, struct blob *blob, uint64_t size)
{
	size_t cap = blob->cap ? blob->cap : FIRST_CAP;
	uint8_t *data;

	if (size <= blob->cap)
		return true;
	while (cap < size && cap < BLOBS_KEEP)
		cap *= 2;
	if (size > BLOBS_KEEP || blobs->memory + cap - blob->cap > BLOBS_MEMORY)
		return false;
	data = realloc(blob->data, cap);
	if (!data)
		return false;
	blobs->memory += cap - blob->cap;
	blob->data = data;
	blob->cap = cap;
	return true;
}

void blobs_add(struct blobs *blobs, struct blob *blob, const void *data, size_t len)
{
	size_t head = blob->size < BLOBS_HEAD ? BLOBS_HEAD - (size_t)blob->size : 0;

	if (len == 0)
		return;
	(void)EVP_DigestUpdate(blob->digest, data, len);
	if (head > 0)
		memcpy(blob->head + blob->size, data, head < len ? head : len);
	if (!blob->too_large && reserve(blobs, blob, blob->size + len))
		memcpy(blob->data + blob->size, data, len);
	else
		blob->too_large = true;
	blob->size += len;
}

void blobs_digest(const struct blob *blob, char ret_hex[65])
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	uint8_t digest[EVP_MAX_MD_SIZE] = {0};

	if (copy && EVP_MD_CTX_copy_ex(copy, blob->digest))
		(void)EVP_DigestFinal_ex(copy, digest, NULL);
	EVP_MD_CTX_free(copy);
	(void)encoding_hex(digest, 32, ret_hex, 65);
}

void blobs_close(struct blobs *blobs, struct blob **list, struct blob *blob)
{
	while (*list && *list != blob)
		list = &(*list)->next;
	if (!*list)
		return;
	*list = blob->next;
	blobs->memory -= sizeof(*blob) + blob->cap;
	EVP_MD_CTX_free(blob->digest);
	free(blob->data);
	free(blob);
}
