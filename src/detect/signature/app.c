/* Named values of one message; the contract is in app.h. */
#include "detect/signature/app.h"

#define TEXT_MAX (128u << 10)

void app_values_add(struct budget *budget, struct app_values *v, enum buffer_id buffer,
    const void *data, size_t len)
{
	struct app_value *value = &v->list[v->count];

	if (v->count == APP_VALUES_MAX)
		return;
	value->buffer = (uint8_t)buffer;
	value->at = (uint32_t)v->text.len;
	(void)bytes_append(budget, &v->text, data, len, TEXT_MAX);
	value->len = (uint32_t)(v->text.len - value->at);
	v->count++;
}

bool app_values_buffer(const void *tx, enum buffer_id buffer, uint8_t direction, unsigned index,
    const uint8_t **ret_data, size_t *ret_len)
{
	static const uint8_t nothing[1];
	const struct app_values *v = tx;

	(void)direction;
	for (unsigned i = 0; i < v->count; i++) {
		if (v->list[i].buffer != buffer || index-- > 0)
			continue;
		*ret_data = v->text.data ? v->text.data + v->list[i].at : nothing;
		*ret_len = v->list[i].len;
		return true;
	}
	return false;
}

void app_values_inspect(struct signatures *s, struct flow *flow, enum flow_side side,
    enum detect_app app_id, struct app_values *v, int64_t time_us)
{
	struct app_transaction app = {
		.app = app_id,
		.direction = side == SIDE_CLIENT ? DIRECTION_TO_SERVER : DIRECTION_TO_CLIENT,
		.tx = v,
		.buffer = app_values_buffer,
	};

	inspect_transaction(s, flow, side, &app, time_us);
	v->count = 0;
	bytes_fini(&s->budget, &v->text);
}
