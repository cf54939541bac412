/* Waiting to take over; the contract is in await.h. */
#include "daemon/await.h"

#include "base/wr.h"
#include "daemon/start.h"
#include "daemon/wire.h"
#include "os/channel.h"

#include <poll.h>

int await_turn(uint32_t rules, const volatile sig_atomic_t *stop, bool *ret_begun, struct err *err)
{
	static uint8_t body[OS_CHANNEL_MAX];
	struct pollfd p = {START_CONTROL, POLLIN, 0};
	uint16_t type = 0;
	uint8_t prepared[4];
	struct wr wr = wr_init(prepared, sizeof(prepared));
	size_t len;

	wr_u32le(&wr, rules);
	if (os_channel_send(START_CONTROL, WIRE_PREPARED, prepared, wr_len(&wr)))
		return err_set(err, ST_NOT_FOUND, "the supervisor is gone");
	while (!*stop && type != WIRE_BEGIN) {
		(void)poll(&p, 1, -1);
		if (p.revents && os_channel_receive(START_CONTROL, &type, body, &len) == ST_NOT_FOUND)
			return err_set(err, ST_NOT_FOUND, "the supervisor is gone");
	}
	*ret_begun = type == WIRE_BEGIN;
	return ST_OK;
}
