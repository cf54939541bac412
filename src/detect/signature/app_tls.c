/*
 * TLS as signatures see it (RFC 5246, RFC 8446): records to handshake messages, in the clear only.
 * Each side is matched once, when its part of the handshake that can be read is over.
 */
#include "detect/signature/app_tls.h"

#include "base/rd.h"

#include <stdlib.h>

#define RECORD_MAX 18432u
#define HANDSHAKE_MAX (64u << 10)

#define RECORD_HANDSHAKE 22
#define RECORD_CHANGE_CIPHER 20

#define MESSAGE_CLIENT_HELLO 1
#define MESSAGE_SERVER_HELLO 2
#define MESSAGE_CERTIFICATE 11
#define MESSAGE_SERVER_DONE 14

struct tls_side {
	struct bytes pending;   /* of a record */
	struct bytes handshake; /* of a message */
	struct app_values values;
	bool done;
};

struct tls {
	struct tls_side side[2];
};

static void finish(struct signatures *s, struct flow *f, enum flow_side side, int64_t time_us)
{
	struct tls_side *t = &f->session->tls->side[side];

	if (t->done)
		return;
	t->done = true;
	if (t->values.count)
		app_values_inspect(s, f, side, APP_TLS, &t->values, time_us);
	bytes_fini(&s->budget, &t->pending);
	bytes_fini(&s->budget, &t->handshake);
}

/* Takes whole messages; true when this side has said all that can be read. */
static bool take_messages(struct signatures *s, struct tls_side *t, enum flow_side side)
{
	bool over = false;

	while (!over && t->handshake.len >= 4) {
		const uint8_t *m = t->handshake.data;
		size_t n = (size_t)m[1] << 16 | rd_at_u16be(m + 2);

		if (t->handshake.len < n + 4)
			return n + 4 > HANDSHAKE_MAX;
		if (m[0] == MESSAGE_CLIENT_HELLO && side == SIDE_CLIENT) {
			tls_client_hello(&s->budget, &t->values, m + 4, n, s->wanted);
			over = true;
		} else if (m[0] == MESSAGE_SERVER_HELLO && side == SIDE_SERVER) {
			tls_server_hello(&s->budget, &t->values, m + 4, n);
		} else if (m[0] == MESSAGE_CERTIFICATE && side == SIDE_SERVER) {
			tls_certificates(&s->budget, &t->values, m + 4, n);
			over = true;
		} else if (m[0] == MESSAGE_SERVER_DONE) {
			over = true;
		}
		bytes_consume(&t->handshake, n + 4);
	}
	return over;
}

void tls_data(struct signatures *s, struct flow *f, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us)
{
	struct tls_side *t;

	if (!f->session->tls) {
		f->session->tls = calloc(1, sizeof(struct tls));
		if (!f->session->tls)
			return;
	}
	t = &f->session->tls->side[side];
	if (t->done)
		return;
	(void)bytes_append(&s->budget, &t->pending, data, len, HANDSHAKE_MAX);
	while (!t->done && t->pending.len >= 5) {
		const uint8_t *r = t->pending.data;
		size_t n = rd_at_u16be(r + 3);

		if (r[0] != RECORD_HANDSHAKE || n > RECORD_MAX) {
			finish(s, f, side, time_us);
			break;
		}
		if (t->pending.len < n + 5)
			break;
		(void)bytes_append(&s->budget, &t->handshake, r + 5, n, HANDSHAKE_MAX);
		bytes_consume(&t->pending, n + 5);
		if (take_messages(s, t, side))
			finish(s, f, side, time_us);
	}
}

void app_tls_close(struct signatures *s, struct flow *f, int64_t time_us)
{
	if (!f->session->tls)
		return;
	for (int side = 0; side < 2; side++) {
		finish(s, f, (enum flow_side)side, time_us);
		bytes_fini(&s->budget, &f->session->tls->side[side].values.text);
	}
	free(f->session->tls);
	f->session->tls = NULL;
}
