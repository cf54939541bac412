/* The configured map of attack methods; the contract is in methods.h. */
#include "cmd/methods.h"

#include "os/file.h"

#include <stdlib.h>

#define MAP_MAX (1u << 20)

int methods_read(struct classmap **ret_map, struct err *err)
{
	const char *path = command_configuration()->signatures.classes;
	char *text = NULL;
	int r = ST_OK;

	if (path[0])
		r = os_file_read(path, MAP_MAX, &text, NULL, err);
	if (r == ST_OK)
		r = classmap_new(text, path, ret_map, err);
	free(text);
	if (r < 0)
		(void)err_prefix(err, "signatures.classes");
	return r;
}

int methods_open(const struct command *self, struct classmap **ret_map)
{
	struct err err = {0};

	if (methods_read(ret_map, &err) == ST_OK)
		return COMMAND_OK;
	command_error(self, "%s", err.text);
	return COMMAND_USAGE;
}
