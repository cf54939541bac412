/*
 * Templates: unknown first payloads grouped by what is the same in all of them.
 *
 * A scanner's probe differs from target to target in a few places: the target's own address, a Host
 * header, ids, counters, times.  These are masked, and what is left is hashed, so that one number
 * stands for one probe wherever it arrives.
 *
 * Masked, in this order at each place of the payload:
 *   - the server's address: as text, as eight hex digits of either case, as bytes in either order
 *     (IPv6: as text and as bytes);
 *   - fields of known headers that are random by design: transaction ids of DNS, NetBIOS, memcached,
 *     ONC RPC and STUN, NTP's transmit time, TLS's and DTLS's random and session id, IKE's cookie,
 *     DHT node ids;
 *   - the value of a Host header and the host of an absolute URI;
 *   - runs of digits (whatever their length), and runs of eight or more hex digits that hold both
 *     digits and letters.
 * The hash is 64-bit FNV-1a over the first 64 symbols after masking (a byte, or a mask), each as two
 * octets, low first.  Its values are stored: they never change.
 *
 * Vectors (server 192.0.2.1): "" cbf29ce484222325, "a" 089be207b544f1e4,
 * "GET / HTTP/1.0\r\n\r\n" c4f8d2ccb2d1d761, "x 192.0.2.1" 197566136fc939e2.
 */
#pragma once

#include "base/ip.h"

#include <stddef.h>
#include <stdint.h>

#define TEMPLATE_SYMBOLS 64
#define TEMPLATE_LOOK_MAX 512 /* bytes that may be passed over until there are so many symbols */

uint64_t template_hash(const uint8_t *data, size_t len, struct ip server);
