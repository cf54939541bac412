/*
 * What a worker is told when it starts: one memory file, written by the supervisor, read once.
 *
 * A worker opens nothing by itself, so everything it needs (configuration, persona, certificate,
 * indices of the observed addresses) is in here, and its descriptors are numbered from OS_CHILD_FD:
 * this file, the channel to the supervisor, the channel to the store, then what `sockets` lists.
 */
#pragma once

#include "base/ip.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum start_descriptor {
	START_FILE = 3,
	START_CONTROL = 4,
	START_STORE = 5, /* the store itself: its channels to the others, by enum wire_peer */
	START_RULES = 6, /* rulebook.h; not the store's; this file again when there are none */
	START_FIRST = 7, /* the sockets, then the responder's last input and its channel to the
	                    courier; the capture: its ring */
};

enum start_courier { /* the courier's, after START_CONTROL */
	START_COURIER_RESPONDER = 5,
	START_COURIER_RAW_V4 = 6,
	START_COURIER_RAW_V6 = 7,
	START_COURIER_FIRST = 8, /* its sockets */
};

enum start_rules {
	START_RULES_NONE,
	START_RULES_SILENT, /* somebody else says what is wrong with them */
	START_RULES_SAID,
};

/* A worker that could not give up what it does not need ends with this, and the sensor with it. */
#define START_UNCONFINED 9

enum start_owner { /* who answers at a socket */
	START_RESPOND,
	START_SSH,
	START_COURIER, /* receives; the responder answers */
};

struct start_socket {
	uint8_t transport; /* IP protocol number */
	uint8_t owner;     /* enum start_owner */
	bool transparent;  /* for every port */
	uint16_t port;     /* local */
};

struct start {
	const char *config; /* YAML text, and the name for messages about it */
	size_t config_len;
	const char *config_name;
	const char *persona;
	size_t persona_len;
	const char *tls; /* PEM */
	size_t tls_len;
	const char *ssh; /* PEM of the host keys */
	size_t ssh_len;
	const char *geo_path; /* "": none */
	uint16_t sensor;      /* number in the store */
	uint8_t rules;        /* enum start_rules */
	uint8_t rings;        /* how many captures there are */
	const struct ip *known; /* observed addresses that have an index already */
	size_t known_count;
	const struct start_socket *sockets; /* the worker's own; the capture: everybody's */
	size_t socket_count;
	void *memory; /* what start_read made all of it point into */
};

/* Makes the file; the caller closes it. */
ST_MUST_CHECK int start_write(const struct start *start, int *ret_fd, struct err *err);

ST_MUST_CHECK int start_read(int fd, struct start *ret_start, struct err *err);
void start_free(struct start *start);
