/*
 * Framed, typed messages between the sensor's programs: one datagram of a Unix SOCK_SEQPACKET pair
 * each.
 *
 * The kernel keeps the boundaries, so a receiver never searches for them; it checks the frame's
 * header and treats what is inside as hostile: the sender may have been taken over.
 */
#pragma once

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define OS_CHANNEL_MAX (48u << 10) /* bytes of a message's body */

/* Makes a connected, non-blocking pair, closed on exec, with as much room as the system allows.
 * Programs that use it ignore SIGPIPE. */
ST_MUST_CHECK int os_channel_pair(int ret_fds[2], struct err *err);

/* Sends one message whole.  -EAGAIN: the receiver is behind; ST_NOT_FOUND: it is gone. */
int os_channel_send(int fd, uint16_t type, const void *body, size_t len);

/*
 * Receives one message into buf (OS_CHANNEL_MAX bytes).  ST_OK; -EAGAIN: there is none;
 * ST_NOT_FOUND: the other end is gone; ST_MALFORMED: the frame is not one of ours.
 */
ST_MUST_CHECK int os_channel_receive(int fd, uint16_t *ret_type, void *buf, size_t *ret_len);
