/* Oddities of packets that rules can ask for (decode-event).  Private to detect/. */
#pragma once

enum decode_event {
#define EVENT(id, name) EVENT_##id,
#include "detect/events.def"
#undef EVENT
	EVENT_COUNT,
};

enum http_event {
#define HTTP_EVENT(id, name) HTTP_EVENT_##id,
#include "detect/http_events.def"
#undef HTTP_EVENT
	HTTP_EVENT_COUNT,
};

/* Names without "http."; the enum is the index. */
extern const char *const http_event_names[HTTP_EVENT_COUNT];

/* The event of that name, or -1. */
int decode_event_find(const char *name);
