/*
 * The signatures' rules on their way to the workers: read by the supervisor before anybody is
 * confined, as one sealed memory file that every worker gets.
 */
#pragma once

#include "config/config.h"
#include "detect/signatures.h"

/*
 * Reads the files of signatures.rules into a memory file; the caller closes it.  A file that cannot
 * be read is said and left out.  *ret_fd is -1 when no rules are configured, or none could be read.
 */
ST_MUST_CHECK int rulebook_gather(const struct config *config, void (*say)(const char *line),
    int *ret_fd, struct err *err);

struct rulebook {
	struct signatures_text *texts;
	size_t count;
	char *memory; /* what the texts point into */
};

ST_MUST_CHECK int rulebook_read(int fd, struct rulebook *ret_rulebook, struct err *err);
void rulebook_free(struct rulebook *rulebook);
