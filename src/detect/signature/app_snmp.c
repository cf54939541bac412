/*
 * SNMP as signatures see it (RFC 1157, RFC 3416): version, community, kind of the PDU.
 */
#include "detect/signature/app.h"

#include "base/rd.h"

#include <stdio.h>
#include <string.h>

/* Takes one element of BER; false: it is none. */
static bool element(struct rd *r, uint8_t *ret_tag, struct rd *ret)
{
	size_t len;

	*ret_tag = rd_u8(r);
	len = rd_u8(r);
	if (len & 0x80) {
		unsigned n = len & 0x7f;

		if (n == 0 || n > 3)
			return false;
		for (len = 0; n > 0; n--)
			len = len << 8 | rd_u8(r);
	}
	if (len > rd_left(r))
		len = rd_left(r);
	*ret = rd_sub(r, len);
	return !r->bad;
}

void snmp_message(struct signatures *s, struct flow *f, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us)
{
	static const char *const kinds[] = {"get_request", "get_next_request", "response",
		"set_request", "trap_v1", "get_bulk_request", "inform_request", "trap_v2", "report"};
	struct app_values v = {0};
	struct rd r = rd_init(data, len);
	struct rd body;
	struct rd part;
	uint8_t tag;
	char text[8];
	int n;

	if (!element(&r, &tag, &body) || tag != 0x30 || !element(&body, &tag, &part) || tag != 0x02)
		return;
	n = snprintf(text, sizeof(text), "%d", rd_u8(&part) + 1);
	if (text[0] == '4')
		text[0] = '3'; /* version 3 is sent as 3, the others from 0 */
	app_values_add(&s->budget, &v, BUFFER_SNMP_VERSION, text, (size_t)n);
	if (element(&body, &tag, &part) && tag == 0x04) {
		app_values_add(&s->budget, &v, BUFFER_SNMP_COMMUNITY, part.pos, rd_left(&part));
		if (element(&body, &tag, &part) && tag >= 0xa0 && tag <= 0xa8)
			app_values_add(&s->budget, &v, BUFFER_SNMP_PDU_TYPE, kinds[tag - 0xa0],
			    strlen(kinds[tag - 0xa0]));
	}
	app_values_inspect(s, f, side, APP_SNMP, &v, time_us);
}
