/* SHA-256 in a thread; the contract is in identity.h. */
#include "cmd/identity.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct identity {
	pthread_t thread;
	const char *path;
	uint8_t digest[OS_SHA256_LEN];
	struct err err;
	int rc;
};

static void *work(void *arg)
{
	struct identity *id = arg;

	id->rc = os_sha256_file(id->path, id->digest, NULL, &id->err);
	return NULL;
}

int identity_begin(const char *path, struct identity **ret_identity, struct err *err)
{
	struct identity *id = calloc(1, sizeof(*id));
	int rc;

	if (!id)
		return err_set(err, -ENOMEM, "out of memory");
	id->path = path;
	rc = pthread_create(&id->thread, NULL, work, id);
	if (rc) {
		free(id);
		return err_set(err, -rc, "cannot make a thread: %s", st_text(-rc));
	}
	*ret_identity = id;
	return ST_OK;
}

int identity_finish(struct identity *id, char *ret_text, struct err *err)
{
	int rc = -pthread_join(id->thread, NULL);

	if (!rc)
		rc = id->rc;
	if (rc)
		(void)err_set(err, rc, "%s", id->err.text);
	else if (ret_text)
		(void)os_sha256_format(id->digest, ret_text);
	free(id);
	return rc;
}
