/*
 * VNC authentication: DES of the challenge under the password, and the passwords everybody uses.
 *
 * The password is cut or padded with zeros to eight bytes, each with its bits reversed, which is
 * the DES key of both halves of the challenge (RFC 6143 7.2.2).  With both sides heard, a response
 * is tried against data/vnc-passwords.txt.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VNCAUTH_LEN 16
#define VNCAUTH_PASSWORD_MAX 8
#define VNCAUTH_HASH_TEXT 72 /* "$vnc$*CHALLENGE*RESPONSE" with a NUL */

/* false: the cipher is not there. */
bool vncauth_response(const char *password, size_t len, const uint8_t challenge[VNCAUTH_LEN],
    uint8_t ret_response[VNCAUTH_LEN]);

/* Tries the list; the password found, with a NUL (it may be empty), or false. */
bool vncauth_crack(const uint8_t challenge[VNCAUTH_LEN], const uint8_t response[VNCAUTH_LEN],
    char ret_password[VNCAUTH_PASSWORD_MAX + 1]);

/* The pair as John the Ripper reads it; challenge NULL: unknown, its place is empty. */
size_t vncauth_hash(const uint8_t *challenge, const uint8_t response[VNCAUTH_LEN],
    char out[VNCAUTH_HASH_TEXT]);
