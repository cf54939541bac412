/*
 * MQTT as signatures see it (MQTT 3.1.1 and 5.0): one message, one transaction.
 */
#include "detect/app.h"

#include "base/rd.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX (64u << 10)

#define TYPE_CONNECT 1
#define TYPE_PUBLISH 3
#define TYPE_SUBSCRIBE 8
#define TYPE_UNSUBSCRIBE 10

struct mqtt {
	struct bytes pending[2];
	uint64_t skip[2]; /* of a message that is longer than what is kept */
	bool v5;
	bool lost;
};

/* A variable byte integer; false: more bytes are needed, or it is none (then *bad). */
static bool take_length(struct rd *r, uint32_t *ret, bool *bad)
{
	uint32_t n = 0;

	*bad = false;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t c;

		if (!rd_left(r))
			return false;
		c = rd_u8(r);
		n |= (uint32_t)(c & 0x7f) << (7 * i);
		if (!(c & 0x80)) {
			*ret = n;
			return true;
		}
	}
	*bad = true;
	return false;
}

static void take_string(struct signatures *s, struct app_values *v, struct rd *r,
    enum buffer_id buffer)
{
	uint16_t len = rd_u16be(r);
	const uint8_t *p = rd_take(r, len);

	if (p)
		app_values_add(&s->budget, v, buffer, p, len);
}

static void skip_properties(struct rd *r, bool v5)
{
	uint32_t n;
	bool bad;

	if (v5 && take_length(r, &n, &bad))
		rd_skip(r, n);
}

static void take_connect(struct signatures *s, struct mqtt *m, struct app_values *v, struct rd *r)
{
	uint8_t flags;

	take_string(s, v, r, BUFFER_MQTT_PROTOCOL);
	m->v5 = rd_u8(r) == 5;
	flags = rd_u8(r);
	rd_skip(r, 2);
	skip_properties(r, m->v5);
	take_string(s, v, r, BUFFER_MQTT_CLIENTID);
	if (flags & 0x04) {
		skip_properties(r, m->v5);
		take_string(s, v, r, BUFFER_MQTT_WILLTOPIC);
		take_string(s, v, r, BUFFER_MQTT_WILLMESSAGE);
	}
	if (flags & 0x80)
		take_string(s, v, r, BUFFER_MQTT_USERNAME);
	if (flags & 0x40)
		take_string(s, v, r, BUFFER_MQTT_PASSWORD);
}

static void take_message(struct signatures *s, struct flow *f, enum flow_side side, uint8_t first,
    struct rd r, int64_t time_us)
{
	static const char *const types[16] = {"UNASSIGNED", "CONNECT", "CONNACK", "PUBLISH", "PUBACK",
		"PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK",
		"PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"};
	struct mqtt *m = f->session->mqtt;
	struct app_values v = {0};

	app_values_add(&s->budget, &v, BUFFER_MQTT_TYPE, types[first >> 4], strlen(types[first >> 4]));
	switch (first >> 4) {
	case TYPE_CONNECT:
		take_connect(s, m, &v, &r);
		break;
	case TYPE_PUBLISH:
		take_string(s, &v, &r, BUFFER_MQTT_PUBLISH_TOPIC);
		if (first & 6)
			rd_skip(&r, 2);
		skip_properties(&r, m->v5);
		if (!r.bad)
			app_values_add(&s->budget, &v, BUFFER_MQTT_PUBLISH_MESSAGE, r.pos, rd_left(&r));
		break;
	case TYPE_SUBSCRIBE:
	case TYPE_UNSUBSCRIBE:
		rd_skip(&r, 2);
		skip_properties(&r, m->v5);
		while (!r.bad && rd_left(&r)) {
			take_string(s, &v, &r, first >> 4 == TYPE_SUBSCRIBE ? BUFFER_MQTT_SUBSCRIBE_TOPIC
			                                                     : BUFFER_MQTT_UNSUBSCRIBE_TOPIC);
			if (first >> 4 == TYPE_SUBSCRIBE)
				rd_skip(&r, 1);
		}
		break;
	default:
		break;
	}
	app_values_inspect(s, f, side, APP_MQTT, &v, time_us);
}

void mqtt_data(struct signatures *s, struct flow *f, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us)
{
	struct mqtt *m = f->session->mqtt;
	struct bytes *b;

	if (!m) {
		m = f->session->mqtt = calloc(1, sizeof(*m));
		if (!m)
			return;
	}
	if (m->skip[side] >= len) {
		m->skip[side] -= len;
		return;
	}
	data += m->skip[side];
	len -= (size_t)m->skip[side];
	m->skip[side] = 0;
	b = &m->pending[side];
	if (m->lost || !bytes_append(&s->budget, b, data, len, MESSAGE_MAX * 2)) {
		m->lost = true;
		return;
	}
	while (b->len >= 2) {
		struct rd r = rd_init(b->data, b->len);
		uint8_t first = rd_u8(&r);
		uint32_t n;
		size_t whole;
		bool bad;

		if (!take_length(&r, &n, &bad)) {
			m->lost = m->lost || bad;
			return;
		}
		whole = (size_t)(r.pos - b->data) + n;
		if (whole > MESSAGE_MAX) {
			m->skip[side] = whole > b->len ? whole - b->len : 0;
			bytes_consume(b, whole);
			continue;
		}
		if (b->len < whole)
			return;
		take_message(s, f, side, first, rd_sub(&r, n), time_us);
		bytes_consume(b, whole);
	}
}

void mqtt_close(struct signatures *s, struct flow *f, int64_t time_us)
{
	struct mqtt *m = f->session->mqtt;

	(void)time_us;
	if (!m)
		return;
	bytes_fini(&s->budget, &m->pending[0]);
	bytes_fini(&s->budget, &m->pending[1]);
	free(m);
	f->session->mqtt = NULL;
}
