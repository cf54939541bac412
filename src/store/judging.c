/* What judging goes by, from a configuration and the files it names; the contract is in store.h. */
#include "store/store.h"

#include "os/file.h"

#include <stdlib.h>

#define RESEARCH_FILE_MAX (16u << 20)

static int add_file(struct research *research, const char *path, struct err *err)
{
	char *text = NULL;
	int rc = os_file_read(path, RESEARCH_FILE_MAX, &text, NULL, err);

	if (!rc) {
		rc = research_add(research, text, err);
		if (rc)
			rc = err_prefix(err, "%s", path);
	}
	free(text);
	return rc;
}

int store_judging_read(const struct config *config, struct store_judging *ret_judging,
    struct research **ret_research, struct err *err)
{
	struct research *research;
	int rc = research_new(NULL, &research, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < config->detect.research.count && !rc; i++)
		rc = add_file(research, config->detect.research.items[i], err);
	if (rc) {
		research_free(research);
		return rc;
	}
	*ret_judging = (struct store_judging){
		.given = true,
		.settings = detect_settings_of(config),
		.research = research,
	};
	*ret_research = research;
	return ST_OK;
}
