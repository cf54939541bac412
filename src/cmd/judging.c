/* What the configuration says about judging; the contract is in judging.h. */
#include "cmd/judging.h"

#include "cmd/command.h"
#include "os/file.h"

#include <stdlib.h>

#define RESEARCH_FILE_MAX (16u << 20)

static struct research *known; /* for as long as the program runs */

static int add_file(struct research *research, const char *path, struct err *err)
{
	char *text = NULL;
	size_t len = 0;
	int rc = os_file_read(path, RESEARCH_FILE_MAX, &text, &len, err);

	if (!rc) {
		rc = research_add(research, text, err);
		if (rc)
			rc = err_prefix(err, "%s", path);
	}
	free(text);
	return rc;
}

int judging_research(const struct research **ret_research, struct err *err)
{
	const struct config *config = command_configuration();
	struct research *research;
	int rc = ST_OK;

	if (!known) {
		rc = research_new(NULL, &research, err);
		if (rc)
			return rc;
		for (size_t i = 0; i < config->detect.research.count && !rc; i++)
			rc = add_file(research, config->detect.research.items[i], err);
		if (rc)
			research_free(research);
		else
			known = research;
	}
	*ret_research = known;
	return rc;
}

int judging_options(struct store_options *options, struct err *err)
{
	options->judging.settings = detect_settings_of(command_configuration());
	options->judging.given = true;
	return judging_research(&options->judging.research, err);
}
