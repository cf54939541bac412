/*
 * What the same datagram did before.
 *
 * Who asks the whole Internet over UDP sends everybody the same bytes.  A module's facts depend on
 * the bytes and the port alone (protocol.h), so where only counts are kept, the next datagram like
 * that needs no parsing.  Small and direct-mapped; bytes are compared in full, and those that never
 * come again displace nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPEATS_ENTRIES 256u
#define REPEATS_BYTES_MAX 192u
#define REPEATS_EVENTS_MAX 6u
#define REPEATS_LOGIN_MAX 32u /* bytes of user and password */

/* What the first datagram of an exchange did. */
struct repeat {
	uint32_t state;  /* struct stream_memory afterwards */
	uint16_t number; /* of the protocol */
	uint8_t event_count;
	bool other;      /* something that counts cannot repeat: not to be kept */
	bool has_login;  /* one, of module `number` */
	uint8_t user_len;
	uint8_t password_len;
	uint16_t events[REPEATS_EVENTS_MAX];
	char login[REPEATS_LOGIN_MAX]; /* user, then password */
};

/* What is not kept is told by the small array alone. */
struct repeats {
	uint64_t hashes[REPEATS_ENTRIES];  /* of entries; 0 = free */
	uint64_t waiting[REPEATS_ENTRIES]; /* hash of what came once and was not the entry */
	struct repeats_entry {
		uint16_t port;
		uint16_t len;
		struct repeat repeat;
		uint8_t bytes[REPEATS_BYTES_MAX];
	} entries[REPEATS_ENTRIES];
};

/* Notes a login; a second one, or one that is too long, cannot repeat. */
void repeat_login(struct repeat *repeat, const char *user, size_t user_len, const char *password,
    size_t password_len);

/* What is asked about. */
struct repeats_key {
	const uint8_t *data;
	size_t len;
	uint64_t hash; /* 0: too long to be kept */
	uint16_t port;
};

struct repeats_key repeats_key_of(uint16_t port, const uint8_t *data, size_t len);

/* What it did, or NULL.  Valid until repeats_keep. */
const struct repeat *repeats_find(const struct repeats *repeats, const struct repeats_key *key);

/* Keeps what it did, once it has come twice. */
void repeats_keep(struct repeats *repeats, const struct repeats_key *key,
    const struct repeat *repeat);
