/*
 * DNS as signatures see it (RFC 1035): the names asked for, as text in the case they came in.
 * A message is one transaction; over TCP a length stands before it.
 */
#include "detect/signature/app.h"

#include "base/rd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DNS_HEADER 12
#define NAME_MAX_BYTES 1024
#define JUMPS_MAX 32
#define RECORDS_MAX 32
#define MESSAGE_MAX 65537

struct dns_stream {
	struct bytes pending[2];
};

/* Reads a name at *at as "a.b.c"; false: it is none.  *at moves behind it. */
static bool read_name(const uint8_t *m, size_t len, size_t *at, uint8_t *out, size_t *ret_len)
{
	size_t pos = *at;
	size_t n = 0;
	bool jumped = false;

	for (int jumps = 0; pos < len;) {
		uint8_t c = m[pos];

		if (c == 0) {
			if (!jumped)
				*at = pos + 1;
			*ret_len = n;
			return true;
		}
		if ((c & 0xc0) == 0xc0) {
			if (pos + 1 >= len || ++jumps > JUMPS_MAX)
				return false;
			if (!jumped)
				*at = pos + 2;
			jumped = true;
			pos = (size_t)(c & 0x3f) << 8 | m[pos + 1];
			continue;
		}
		if (c & 0xc0 || pos + 1 + c > len || n + c + 1 > NAME_MAX_BYTES)
			return false;
		if (n)
			out[n++] = '.';
		memcpy(out + n, m + pos + 1, c);
		n += c;
		pos += 1u + c;
	}
	return false;
}

void dns_message(struct signatures *s, struct flow *f, enum flow_side side, const uint8_t *m,
    size_t len, int64_t time_us)
{
	struct app_values v = {0};
	uint8_t name[NAME_MAX_BYTES];
	size_t name_len;
	size_t at = DNS_HEADER;
	unsigned questions;
	unsigned answers;
	char opcode[8];
	int n;

	if (len < DNS_HEADER)
		return;
	n = snprintf(opcode, sizeof(opcode), "%d", m[2] >> 3 & 15);
	app_values_add(&s->budget, &v, BUFFER_DNS_OPCODE, opcode, (size_t)n);
	questions = rd_at_u16be(m + 4);
	answers = rd_at_u16be(m + 6);
	for (unsigned i = 0; i < questions && i < RECORDS_MAX; i++) {
		if (!read_name(m, len, &at, name, &name_len) || len - at < 4)
			break;
		at += 4;
		if (!(m[2] & 0x80))
			app_values_add(&s->budget, &v, BUFFER_DNS_QUERY, name, name_len);
		app_values_add(&s->budget, &v, BUFFER_DNS_QUERY_NAME, name, name_len);
	}
	for (unsigned i = 0; i < answers && i < RECORDS_MAX; i++) {
		uint16_t rdata;

		if (!read_name(m, len, &at, name, &name_len) || len - at < 10)
			break;
		app_values_add(&s->budget, &v, BUFFER_DNS_ANSWER_NAME, name, name_len);
		rdata = rd_at_u16be(m + at + 8);
		if (len - at - 10 < rdata)
			break;
		at += 10u + rdata;
	}
	app_values_inspect(s, f, side, APP_DNS, &v, time_us);
}

void dns_data(struct signatures *s, struct flow *f, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us)
{
	struct dns_stream *d = f->session->dns;
	struct bytes *b;

	if (!d) {
		d = f->session->dns = calloc(1, sizeof(*d));
		if (!d)
			return;
	}
	b = &d->pending[side];
	(void)bytes_append(&s->budget, b, data, len, MESSAGE_MAX);
	while (b->len >= 2) {
		size_t n = rd_at_u16be(b->data);

		if (b->len < n + 2)
			break;
		dns_message(s, f, side, b->data + 2, n, time_us);
		bytes_consume(b, n + 2);
	}
}

void dns_close(struct signatures *s, struct flow *f, int64_t time_us)
{
	struct dns_stream *d = f->session->dns;

	(void)time_us;
	if (!d)
		return;
	bytes_fini(&s->budget, &d->pending[0]);
	bytes_fini(&s->budget, &d->pending[1]);
	free(d);
	f->session->dns = NULL;
}
