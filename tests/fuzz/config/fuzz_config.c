/* Configuration text: no crash, and what is accepted dumps to text that is accepted again. */
#include "config/config.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config = NULL;
	struct config *again = NULL;
	struct err err = {0};
	struct buf b = {0};

	if (config_parse("fuzz", (const char *)data, size, NULL, NULL, &config, &err) < 0)
		return 0;
	config_dump_yaml(config, &b);
	if (config_parse("dump", buf_text(&b), b.len, NULL, NULL, &again, &err) < 0)
		abort();
	buf_reset(&b);
	config_dump_json(config, &b);
	buf_fini(&b);
	config_free(again);
	config_free(config);
	return 0;
}
