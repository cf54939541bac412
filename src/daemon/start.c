/* What a worker is told when it starts; the contract is in start.h. */
#include "daemon/start.h"

#include "base/buf.h"
#include "base/rd.h"
#include "os/process.h"

#include <errno.h>
#include <stdlib.h>

#define MAGIC 0x54535452u
#define FILE_MAX (256u << 20)

static void put_u64(struct buf *b, uint64_t v)
{
	buf_append(b, &v, sizeof(v));
}

static void put_text(struct buf *b, const char *text, size_t len)
{
	put_u64(b, len);
	buf_append(b, text, len);
	buf_putc(b, '\0');
}

int start_write(const struct start *s, int *ret_fd, struct err *err)
{
	struct buf b = {0};
	int rc;

	put_u64(&b, MAGIC);
	put_u64(&b, s->sensor);
	put_u64(&b, s->rules);
	put_u64(&b, s->rings);
	put_text(&b, s->config, s->config_len);
	put_text(&b, s->config_name, strlen(s->config_name));
	put_text(&b, s->persona, s->persona_len);
	put_text(&b, s->tls, s->tls_len);
	put_text(&b, s->ssh, s->ssh_len);
	put_text(&b, s->geo_path, strlen(s->geo_path));
	put_u64(&b, s->known_count);
	put_u64(&b, s->socket_count);
	buf_append(&b, s->known, s->known_count * sizeof(*s->known));
	buf_append(&b, s->sockets, s->socket_count * sizeof(*s->sockets));
	rc = b.failed ? err_set(err, -ENOMEM, "out of memory")
	              : os_memory_file("teiten-start", b.data, b.len, ret_fd, err);
	buf_fini(&b);
	return rc;
}

static uint64_t take_u64(struct rd *r)
{
	const uint8_t *p = rd_take(r, sizeof(uint64_t));
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return v;
}

static const char *take_text(struct rd *r, size_t *ret_len)
{
	size_t len = take_u64(r);
	const uint8_t *p = rd_take(r, len);

	rd_skip(r, 1);
	if (ret_len)
		*ret_len = p ? len : 0;
	return p ? (const char *)p : "";
}

/* Arrays are copied: in the file they lie as they come. */
static void *take_array(struct rd *r, size_t count, size_t size)
{
	const uint8_t *p = count <= FILE_MAX / size ? rd_take(r, count * size) : NULL;
	void *copy = calloc(count + 1, size);

	if (!p)
		r->bad = true;
	else if (copy && count > 0)
		memcpy(copy, p, count * size);
	return copy;
}

int start_read(int fd, struct start *ret_start, struct err *err)
{
	struct start s = {0};
	char *data;
	size_t len;
	struct rd r;
	int rc = os_memory_read(fd, FILE_MAX, &data, &len, err);

	if (rc)
		return rc;
	r = rd_init(data, len);
	if (take_u64(&r) != MAGIC)
		r.bad = true;
	s.memory = data;
	s.sensor = (uint16_t)take_u64(&r);
	s.rules = (uint8_t)take_u64(&r);
	s.rings = (uint8_t)take_u64(&r);
	s.config = take_text(&r, &s.config_len);
	s.config_name = take_text(&r, NULL);
	s.persona = take_text(&r, &s.persona_len);
	s.tls = take_text(&r, &s.tls_len);
	s.ssh = take_text(&r, &s.ssh_len);
	s.geo_path = take_text(&r, NULL);
	s.known_count = take_u64(&r);
	s.socket_count = take_u64(&r);
	s.known = take_array(&r, s.known_count, sizeof(*s.known));
	s.sockets = take_array(&r, s.socket_count, sizeof(*s.sockets));
	if (r.bad || !s.known || !s.sockets) {
		start_free(&s);
		return err_set(err, ST_MALFORMED, "not started by teiten-sensor: start that instead");
	}
	*ret_start = s;
	return ST_OK;
}

void start_free(struct start *s)
{
	free((void *)(uintptr_t)s->known);
	free((void *)(uintptr_t)s->sockets);
	free(s->memory);
}
