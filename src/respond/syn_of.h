/*
 * What the SYN that opened an accepted connection says of its sender, as the kernel kept it.
 */
#pragma once

#include "fingerprint/syn.h"
#include "stream/stream.h"

/* Fills the stream's syn_* and *ret_syn; false (and nothing filled) when the kernel kept none. */
bool syn_of_socket(int fd, int64_t wall_us, struct stream *stream, struct syn *ret_syn);
