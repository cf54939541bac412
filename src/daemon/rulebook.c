/* Rules for the workers; the contract is in rulebook.h. */
#include "daemon/rulebook.h"

#include "base/buf.h"
#include "base/rd.h"
#include "config/files.h"
#include "os/file.h"
#include "os/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RULES_FILE_MAX (64u << 20)
#define RULEBOOK_MAX (256u << 20)
#define TEXTS_MAX 4096u

/* Name, NUL, size, text, NUL. */
static int put_file(struct buf *b, const char *name, struct err *err)
{
	char *text;
	size_t len;
	uint64_t size;
	int rc = os_file_read(name, RULES_FILE_MAX, &text, &len, err);

	if (rc)
		return rc;
	size = len;
	buf_append(b, name, strlen(name) + 1);
	buf_append(b, &size, sizeof(size));
	buf_append(b, text, len);
	buf_putc(b, '\0');
	free(text);
	return ST_OK;
}

int rulebook_gather(const struct config *config, void (*say)(const char *line), int *ret_fd,
    struct err *err)
{
	const struct config_list *list = &config->signatures.rules;
	struct config_files files = {0};
	struct buf b = {0};
	int rc = ST_OK;

	*ret_fd = -1;
	for (size_t i = 0; i < list->count; i++) {
		struct err one = {0};

		if (config_files_add(&files, "signatures.rules", list->items[i], &one))
			say(one.text);
	}
	for (size_t i = 0; i < files.count && i < TEXTS_MAX; i++) {
		struct err one = {0};

		if (put_file(&b, files.names[i], &one))
			say(one.text);
	}
	if (b.failed || b.len > RULEBOOK_MAX)
		rc = err_set(err, ST_LIMIT, "signatures.rules: more than the %u MB that fit",
		    RULEBOOK_MAX >> 20);
	else if (b.len > 0)
		rc = os_memory_file("teiten-rules", b.data, b.len, ret_fd, err);
	buf_fini(&b);
	config_files_free(&files);
	return rc;
}

int rulebook_read(int fd, struct rulebook *ret_rulebook, struct err *err)
{
	struct rulebook r = {.texts = calloc(TEXTS_MAX, sizeof(*r.texts))};
	struct rd rd;
	size_t len = 0;
	int rc = r.texts ? os_memory_read(fd, RULEBOOK_MAX, &r.memory, &len, err)
	                 : err_set(err, -ENOMEM, "out of memory");

	if (rc) {
		rulebook_free(&r);
		return rc;
	}
	rd = rd_init(r.memory, len);
	while (rd_left(&rd) > 0 && !rd.bad && r.count < TEXTS_MAX) {
		const char *name = (const char *)rd.pos;
		uint64_t size = 0;
		const uint8_t *p;

		rd_skip(&rd, strnlen(name, rd_left(&rd)) + 1);
		p = rd_take(&rd, sizeof(size));
		if (p)
			memcpy(&size, p, sizeof(size));
		p = rd_take(&rd, size);
		rd_skip(&rd, 1);
		if (p && !rd.bad)
			r.texts[r.count++] = (struct signatures_text){name, (const char *)p, size};
	}
	if (rd.bad) {
		rulebook_free(&r);
		return err_set(err, ST_MALFORMED, "the rules were not passed by teiten-sensor");
	}
	*ret_rulebook = r;
	return ST_OK;
}

void rulebook_free(struct rulebook *r)
{
	free(r->texts);
	free(r->memory);
	*r = (struct rulebook){0};
}
