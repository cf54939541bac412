/*
 * What the supervisor (sensor.c) holds: the configuration, the sockets and channels, and who works.
 */
#pragma once

#include "config/config.h"
#include "daemon/control.h"
#include "daemon/identity.h"
#include "daemon/posts.h"
#include "daemon/rings.h"
#include "daemon/sockets.h"
#include "daemon/wire.h"
#include "os/file.h"
#include "os/rawudp.h"

struct supervisor {
	const char *config_path;
	char *config_text;
	size_t config_len;
	struct config *config;
	struct identity identity;
	struct sockets sockets;
	struct posts posts;
	int input;                        /* what the responder read last (lastinput.h) */
	int rules;                        /* of signatures.rules (rulebook.h); -1: none */
	int rules_before;                 /* until the new ones have proved themselves; -1 */
	bool hasty[POST_COUNT];           /* was started without the rules, to answer at once */
	bool reloading;
	bool observes_others;             /* than before its configuration was read again */
	bool unconfined; /* a worker could not be confined */
	int channels[WIRE_PEER_COUNT][2]; /* worker's end, store's end */
	int courier[2];                   /* the responder's end of its channel, the courier's */
	struct os_raw_udp raw;            /* the courier's; -1 until it is wanted */
	struct rings rings;               /* of capture.interface */
	char folder[OS_PATH_MAX];
	char geo_path[OS_PATH_MAX];
	const char *user; /* "" when nobody else is to be become */
	struct ip *known; /* what the store told: observed addresses with an index */
	size_t known_count;
	uint16_t sensor;
	int64_t stop_us;  /* when it was asked to end; 0 */
	struct control *control;
};
