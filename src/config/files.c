/* Files of a list; the contract is in files.h. */
#include "config/files.h"

#include <errno.h>
#include <glob.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int add_name(struct config_files *files, const char *name, struct err *err)
{
	const char **names = realloc(files->names, (files->count + 1) * sizeof(*names));
	char *copy = strdup(name);

	if (names)
		files->names = names;
	if (!names || !copy) {
		free(copy);
		return err_set(err, -ENOMEM, "out of memory");
	}
	names[files->count++] = copy;
	return ST_OK;
}

int config_files_add(struct config_files *files, const char *key, const char *pattern,
    struct err *err)
{
	glob_t found = {0};
	int r = glob(pattern, 0, NULL, &found);
	int rc = ST_OK;

	if (r == GLOB_NOMATCH)
		rc = err_set(err, ST_NOT_FOUND, "%s: %s: no such file", key, pattern);
	else if (r)
		rc = err_set(err, -EIO, "%s: %s: cannot be listed", key, pattern);
	for (size_t i = 0; !rc && i < found.gl_pathc; i++)
		rc = add_name(files, found.gl_pathv[i], err);
	globfree(&found);
	return rc;
}

void config_files_free(struct config_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free((char *)(uintptr_t)files->names[i]);
	free(files->names);
	*files = (struct config_files){0};
}
