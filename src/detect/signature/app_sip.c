/*
 * SIP over UDP as signatures see it (RFC 3261): the first line and its parts.
 */
#include "detect/signature/app.h"

#include <string.h>

void sip_message(struct signatures *s, struct flow *f, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us)
{
	static const enum buffer_id request[] = {BUFFER_SIP_METHOD, BUFFER_SIP_URI, BUFFER_SIP_PROTOCOL};
	static const enum buffer_id response[] = {BUFFER_SIP_PROTOCOL, BUFFER_SIP_STAT_CODE,
		BUFFER_SIP_STAT_MSG};
	const uint8_t *end = memchr(data, '\n', len);
	bool answer = len >= 4 && memcmp(data, "SIP/", 4) == 0;
	struct app_values v = {0};

	if (!end)
		return;
	len = (size_t)(end - data);
	while (len && data[len - 1] == '\r')
		len--;
	app_values_add(&s->budget, &v, answer ? BUFFER_SIP_RESPONSE_LINE : BUFFER_SIP_REQUEST_LINE, data,
	    len);
	for (unsigned part = 0; part < 3 && len; part++) {
		const uint8_t *blank = part < 2 ? memchr(data, ' ', len) : NULL;
		size_t n = blank ? (size_t)(blank - data) : len;

		app_values_add(&s->budget, &v, answer ? response[part] : request[part], data, n);
		n += blank != NULL;
		data += n;
		len -= n;
	}
	app_values_inspect(s, f, side, APP_SIP, &v, time_us);
}
