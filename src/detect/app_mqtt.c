/*
 * MQTT as signatures see it (MQTT 3.1.1 and 5.0): one message, one transaction.
 */
#include "detect/app.h"

#include "base/rd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX (64u << 10)

#define TYPE_CONNECT 1
#define TYPE_CONNACK 2
#define TYPE_PUBLISH 3
#define TYPE_PUBACK 4
#define TYPE_PUBCOMP 7
#define TYPE_SUBSCRIBE 8
#define TYPE_SUBACK 9
#define TYPE_UNSUBSCRIBE 10
#define TYPE_UNSUBACK 11
#define TYPE_DISCONNECT 14
#define TYPE_AUTH 15

struct mqtt {
	struct bytes pending[2];
	uint64_t skip[2]; /* of a message that is longer than what is kept */
	bool v5;
	uint8_t version; /* 0: no CONNECT was seen */
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

static void take_number(struct signatures *s, struct app_values *v, enum buffer_id buffer, unsigned n)
{
	char text[12];
	int len = snprintf(text, sizeof(text), "%u", n);

	app_values_add(&s->budget, v, buffer, text, (size_t)len);
}

static void take_flags(struct signatures *s, struct app_values *v, uint8_t flags)
{
	char text[64];
	int len = snprintf(text, sizeof(text), " %s%s%s%s%s", flags & 0x80 ? "username " : "",
	    flags & 0x40 ? "password " : "", flags & 0x20 ? "will_retain " : "",
	    flags & 0x04 ? "will " : "", flags & 0x02 ? "clean_session " : "");

	app_values_add(&s->budget, v, BUFFER_MQTT_CONNECT_FLAGS, text, (size_t)len);
}

/* What says how it went: of an answer, or of a farewell. */
static void take_reasons(struct signatures *s, const struct mqtt *m, struct app_values *v,
    unsigned type, struct rd *r)
{
	if (type == TYPE_CONNACK) {
		const char *present = rd_u8(r) & 1 ? "yes" : "no";

		app_values_add(&s->budget, v, BUFFER_MQTT_SESSION_PRESENT, present, strlen(present));
		if (rd_left(r))
			take_number(s, v, BUFFER_MQTT_REASON, rd_u8(r));
		return;
	}
	if (type < TYPE_DISCONNECT)
		rd_skip(r, 2); /* the number of what it answers */
	if (type == TYPE_SUBACK || type == TYPE_UNSUBACK) {
		skip_properties(r, m->v5);
		while (!r->bad && rd_left(r) && (type == TYPE_SUBACK || m->v5))
			take_number(s, v, BUFFER_MQTT_REASON, rd_u8(r));
	} else if (m->v5 && !r->bad) {
		take_number(s, v, BUFFER_MQTT_REASON, rd_left(r) ? rd_u8(r) : 0);
	}
}

static void take_connect(struct signatures *s, struct mqtt *m, struct app_values *v, struct rd *r)
{
	uint8_t flags;

	take_string(s, v, r, BUFFER_MQTT_PROTOCOL);
	m->version = rd_u8(r);
	m->v5 = m->version == 5;
	flags = rd_u8(r);
	take_flags(s, v, flags);
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
	char flags[16];

	app_values_add(&s->budget, &v, BUFFER_MQTT_TYPE, types[first >> 4], strlen(types[first >> 4]));
	take_number(s, &v, BUFFER_MQTT_QOS, first >> 1 & 3);
	(void)snprintf(flags, sizeof(flags), " %s%s", first & 8 ? "dup " : "", first & 1 ? "retain " : "");
	app_values_add(&s->budget, &v, BUFFER_MQTT_FLAGS, flags, strlen(flags));
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
	case TYPE_CONNACK:
	case TYPE_SUBACK:
	case TYPE_UNSUBACK:
	case TYPE_DISCONNECT:
	case TYPE_AUTH:
		take_reasons(s, m, &v, first >> 4, &r);
		break;
	default:
		if (first >> 4 >= TYPE_PUBACK && first >> 4 <= TYPE_PUBCOMP)
			take_reasons(s, m, &v, first >> 4, &r);
		break;
	}
	if (m->version)
		take_number(s, &v, BUFFER_MQTT_VERSION, m->version);
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
