/* Streams of a passive capture; the contract is in stream.h. */
#include "stream/stream.h"

const char *stream_end_name(enum stream_end end)
{
	static const char *const names[STREAM_END_COUNT] = {
		[STREAM_END_FIN] = "fin",
		[STREAM_END_RESET] = "reset",
		[STREAM_END_IDLE] = "idle",
		[STREAM_END_REPLACED] = "replaced",
		[STREAM_END_CAPTURE] = "capture-ended",
	};

	return end < STREAM_END_COUNT ? names[end] : "";
}
