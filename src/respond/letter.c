/* Letters of courier and responder; the contract is in letter.h. */
#include "respond/letter.h"

#include "base/rd.h"

#include <string.h>

#define DATAGRAM_MAX 65535u

void letter_head_write(const struct letter *l, struct wr *w)
{
	wr_u64le(w, l->token);
	wr_u64le(w, l->datagram.peer.hi);
	wr_u64le(w, l->datagram.peer.lo);
	wr_u64le(w, l->datagram.local.hi);
	wr_u64le(w, l->datagram.local.lo);
	wr_u16le(w, l->datagram.peer_port);
	wr_u16le(w, l->datagram.local_port);
	wr_u32le(w, (uint32_t)l->datagram.len);
}

void letter_answer_head_write(uint64_t token, struct wr *w)
{
	wr_u64le(w, token);
}

int letter_read(const uint8_t *body, size_t len, struct letter *ret_letter)
{
	struct rd r = rd_init(body, len);
	struct letter l = {.token = rd_u64le(&r)};

	l.datagram.peer.hi = rd_u64le(&r);
	l.datagram.peer.lo = rd_u64le(&r);
	l.datagram.local.hi = rd_u64le(&r);
	l.datagram.local.lo = rd_u64le(&r);
	l.datagram.peer_port = rd_u16le(&r);
	l.datagram.local_port = rd_u16le(&r);
	l.datagram.len = rd_u32le(&r);
	l.len = rd_left(&r);
	if (r.bad || l.len > LETTER_DATA_MAX || l.datagram.len > DATAGRAM_MAX
	    || l.len != (l.datagram.len < LETTER_DATA_MAX ? l.datagram.len : LETTER_DATA_MAX)
	    || ip_is_v4(l.datagram.peer) != ip_is_v4(l.datagram.local))
		return ST_MALFORMED;
	l.data = rd_take(&r, l.len);
	*ret_letter = l;
	return ST_OK;
}

int letter_answer_read(const uint8_t *body, size_t len, struct letter_answer *ret_answer)
{
	struct rd r = rd_init(body, len);
	struct letter_answer a = {.token = rd_u64le(&r)};

	a.len = rd_left(&r);
	if (r.bad || a.len == 0 || a.len > LETTER_DATA_MAX)
		return ST_MALFORMED;
	a.data = rd_take(&r, a.len);
	*ret_answer = a;
	return ST_OK;
}
