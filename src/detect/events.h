/* Oddities of packets that rules can ask for (decode-event).  Private to detect/. */
#pragma once

enum decode_event {
#define EVENT(id, name) EVENT_##id,
#include "detect/events.def"
#undef EVENT
	EVENT_COUNT,
};

/* The event of that name, or -1. */
int decode_event_find(const char *name);
