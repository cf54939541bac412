/*
 * What is said in a conversation, in the clear and in order, for somebody who reads along.
 */
#pragma once

#include "stream/stream.h"

struct said {
	const struct stream *stream;
	uint64_t session;    /* sessions_id; 0: it makes no row */
	int64_t time_us;
	const uint8_t *data; /* NULL: the conversation is over */
	size_t len;
	bool by_client;
	bool inside;         /* came through TLS that was opened here */
};
