/*
 * Which packets belong to conversations that a worker of ours answers and inspects itself, so that
 * the capture does not inspect them again (docs/decisions/0016-who-inspects-what.md).
 */
#pragma once

#include "config/config.h"
#include "daemon/start.h"
#include "decode/decode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answered {
	const struct config_nets *nets; /* that answer */
	bool all[2];                    /* every port: TCP, UDP */
	uint8_t ports[2][(UINT16_MAX + 1) / 8];
};

void answered_init(struct answered *answered, const struct config *config,
    const struct start_socket *sockets, size_t count);

/* In either direction.  Packets without payload are nobody's conversation. */
bool answered_has(const struct answered *answered, const struct decode_packet *packet);
