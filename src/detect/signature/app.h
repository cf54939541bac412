/*
 * Named values of one message, for protocols whose buffers are few and small.  Private to detect/.
 */
#pragma once

#include "detect/signature/engine.h"

#define APP_VALUES_MAX 64

struct app_value {
	uint8_t buffer; /* enum buffer_id */
	uint32_t at;
	uint32_t len;
};

/* Zero-initialise.  Values of one buffer may be many; their order is kept. */
struct app_values {
	struct bytes text;
	struct app_value list[APP_VALUES_MAX];
	unsigned count;
};

void app_values_add(struct budget *budget, struct app_values *v, enum buffer_id buffer,
    const void *data, size_t len);
bool app_values_buffer(const void *tx, enum buffer_id buffer, uint8_t direction, unsigned index,
    const uint8_t **ret_data, size_t *ret_len);
/* Matches the values and forgets them. */
void app_values_inspect(struct signatures *s, struct flow *flow, enum flow_side side,
    enum detect_app app, struct app_values *v, int64_t time_us);
