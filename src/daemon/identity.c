/* The identity of an installation; the contract is in identity.h. */
#include "daemon/identity.h"

#include "base/buf.h"
#include "daemon/ssh_keys.h"
#include "os/file.h"
#include "protocol/persona.h"
#include "respond/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#define PERSONA_MAX (64u << 20)
#define PEM_MAX (1u << 20)

static int keep(const char *path, const char *data, size_t len, struct err *err)
{
	mode_t before = umask(077);
	int rc = os_file_write(path, data, len, err);

	(void)umask(before);
	return rc;
}

static bool is_there(const char *path)
{
	struct os_stat stat;

	return os_path_stat(path, &stat, NULL) == ST_OK && stat.kind != OS_KIND_NONE;
}

/* A kept persona is completed with texts that are new since, and kept again. */
static int load_persona(const char *path, struct identity *id, struct persona **ret_persona,
    struct err *err)
{
	uint8_t seed[PERSONA_SEED_LEN];
	struct buf b = {0};
	char *text = NULL;
	size_t len = 0;
	int rc;

	if (is_there(path)) {
		rc = os_file_read(path, PERSONA_MAX, &text, &len, err);
		if (!rc)
			rc = persona_read(text, len, ret_persona, err);
		if (rc)
			(void)err_prefix(err, "%s", path);
	} else {
		if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
			return err_set(err, -errno, "no random numbers: %s", st_text(-errno));
		rc = persona_choose(seed, ret_persona, err);
	}
	if (!rc) {
		persona_write(*ret_persona, &b);
		if (!text || len != b.len || memcmp(text, b.data, len) != 0)
			rc = keep(path, buf_text(&b), b.len, err);
		id->persona_len = b.len;
		id->persona = buf_take(&b);
	}
	free(text);
	buf_fini(&b);
	return rc;
}

static int load_tls(const char *path, const struct persona *persona, struct identity *id,
    struct err *err)
{
	char name[256];
	int rc;

	if (is_there(path))
		return os_file_read(path, PEM_MAX, &id->tls, &id->tls_len, err);
	(void)snprintf(name, sizeof(name), "%s.%s", persona_text(persona, "persona.hostname"),
	    persona_text(persona, "persona.domain"));
	rc = tls_identity_make(name, persona_text(persona, "persona.company"), &id->tls, err);
	if (rc)
		return rc;
	id->tls_len = strlen(id->tls);
	return keep(path, id->tls, id->tls_len, err);
}

int identity_load(const char *folder, bool with_tls, struct identity *ret_identity,
    struct err *err)
{
	struct identity id = {0};
	struct persona *persona = NULL;
	char path[OS_PATH_MAX];
	int rc;

	(void)snprintf(path, sizeof(path), "%s/persona", folder);
	rc = load_persona(path, &id, &persona, err);
	(void)snprintf(path, sizeof(path), "%s/tls.pem", folder);
	if (!rc && with_tls)
		rc = load_tls(path, persona, &id, err);
	persona_free(persona);
	if (rc)
		identity_free(&id);
	else
		*ret_identity = id;
	return rc;
}

int identity_load_ssh(const char *folder, struct identity *id, struct err *err)
{
	char path[OS_PATH_MAX];
	int rc;

	if (id->ssh)
		return ST_OK;
	(void)snprintf(path, sizeof(path), "%s/ssh-keys.pem", folder);
	if (is_there(path))
		return os_file_read(path, PEM_MAX, &id->ssh, &id->ssh_len, err);
	rc = ssh_keys_make(&id->ssh, err);
	if (rc)
		return rc;
	id->ssh_len = strlen(id->ssh);
	return keep(path, id->ssh, id->ssh_len, err);
}

void identity_free(struct identity *id)
{
	free(id->persona);
	free(id->tls);
	free(id->ssh);
	*id = (struct identity){0};
}
