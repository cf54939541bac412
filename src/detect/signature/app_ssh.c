/*
 * SSH as signatures see it (RFC 4253): the version line of each side, and the fingerprint of the
 * algorithms it offers (hassh).
 */
#include "detect/signature/app.h"

#include "base/rd.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SSH_PENDING_MAX 16384
#define SSH_LINE_MAX 255
#define KEXINIT 20

struct ssh_side {
	struct bytes pending;
	bool line_done;
	bool done;
	struct app_values values;
};

struct ssh {
	struct ssh_side side[2];
};

static void take_version(struct signatures *s, struct ssh_side *x, const uint8_t *line, size_t len)
{
	const uint8_t *dash;
	size_t proto;
	size_t software;

	if (len < 4 || memcmp(line, "SSH-", 4) != 0)
		return;
	line += 4;
	len -= 4;
	dash = memchr(line, '-', len);
	if (!dash)
		return;
	proto = (size_t)(dash - line);
	app_values_add(&s->budget, &x->values, BUFFER_SSH_PROTO, line, proto);
	line = dash + 1;
	len -= proto + 1;
	for (software = 0; software < len && line[software] != ' '; software++)
		;
	if (software)
		app_values_add(&s->budget, &x->values, BUFFER_SSH_SOFTWARE, line, software);
}

/* key exchange;encryption;mac;compression, of what this side sends. */
static bool hassh(const uint8_t *p, size_t len, enum flow_side side, char *text, size_t size)
{
	struct rd r = rd_init(p, len);
	size_t n = 0;

	rd_skip(&r, 16);
	for (unsigned i = 0; i < 8; i++) {
		uint32_t list_len = rd_u32be(&r);
		const uint8_t *list = rd_take(&r, list_len);
		/* 0 kex, 1 host keys, then client and server pairs of cipher, mac, compression. */
		bool wanted = i == 0 || (i >= 2 && i % 2 == (side == SIDE_CLIENT ? 0u : 1u));

		if (r.bad)
			return false;
		if (!wanted)
			continue;
		n += (size_t)snprintf(text + n, size - n, "%s%.*s", i ? ";" : "", (int)list_len,
		    (const char *)list);
		if (n >= size)
			return false;
	}
	return true;
}

static void take_kexinit(struct signatures *s, struct ssh_side *x, enum flow_side side,
    const uint8_t *p, size_t len)
{
	char text[8192];
	char hex[33];
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n;

	if (!hassh(p, len, side, text, sizeof(text))
	    || EVP_Digest(text, strlen(text), md, &n, EVP_md5(), NULL) != 1)
		return;
	for (unsigned i = 0; i < 16; i++)
		(void)snprintf(hex + i * 2, 3, "%02x", md[i]);
	app_values_add(&s->budget, &x->values,
	    side == SIDE_CLIENT ? BUFFER_SSH_HASSH : BUFFER_SSH_HASSH_SERVER, hex, 32);
	app_values_add(&s->budget, &x->values,
	    side == SIDE_CLIENT ? BUFFER_SSH_HASSH_STRING : BUFFER_SSH_HASSH_SERVER_STRING, text,
	    strlen(text));
}

static void finish(struct signatures *s, struct flow *f, enum flow_side side, int64_t time_us)
{
	struct ssh_side *x = &f->session->ssh->side[side];

	if (x->done)
		return;
	x->done = true;
	if (x->values.count)
		app_values_inspect(s, f, side, APP_SSH, &x->values, time_us);
	bytes_fini(&s->budget, &x->pending);
}

void ssh_data(struct signatures *s, struct flow *f, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us)
{
	struct ssh *h = f->session->ssh;
	struct ssh_side *x;
	const uint8_t *lf;

	if (!h) {
		h = f->session->ssh = calloc(1, sizeof(*h));
		if (!h)
			return;
	}
	x = &h->side[side];
	if (x->done)
		return;
	if (!bytes_append(&s->budget, &x->pending, data, len, SSH_PENDING_MAX)) {
		finish(s, f, side, time_us);
		return;
	}
	while (!x->line_done && (lf = memchr(x->pending.data, '\n', x->pending.len))) {
		size_t line = (size_t)(lf - x->pending.data);
		size_t end = line;

		while (end && x->pending.data[end - 1] == '\r')
			end--;
		take_version(s, x, x->pending.data, end);
		x->line_done = x->values.count > 0;
		bytes_consume(&x->pending, line + 1);
	}
	if (!x->line_done) {
		if (x->pending.len > SSH_LINE_MAX)
			finish(s, f, side, time_us);
		return;
	}
	if (x->pending.len >= 6) {
		uint32_t n = rd_at_u32be(x->pending.data);

		if (n > SSH_PENDING_MAX || n < 2) {
			finish(s, f, side, time_us);
		} else if (x->pending.len >= n + 4u) {
			if (x->pending.data[5] == KEXINIT)
				take_kexinit(s, x, side, x->pending.data + 6, n - 2);
			finish(s, f, side, time_us);
		}
	}
}

void ssh_close(struct signatures *s, struct flow *f, int64_t time_us)
{
	struct ssh *h = f->session->ssh;

	if (!h)
		return;
	for (int side = 0; side < 2; side++) {
		struct ssh_side *x = &h->side[side];

		/* A line that was cut off is one nevertheless. */
		if (!x->line_done && !x->done && x->pending.len)
			take_version(s, x, x->pending.data, x->pending.len);
		finish(s, f, (enum flow_side)side, time_us);
		bytes_fini(&s->budget, &x->pending);
		bytes_fini(&s->budget, &x->values.text);
	}
	free(h);
	f->session->ssh = NULL;
}
