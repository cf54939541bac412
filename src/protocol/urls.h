/*
 * URLs in what visitors send: where their next stage comes from.  Text is looked at, nothing is
 * ever fetched.
 *
 * Found are http, https, ftp and tftp URLs, and the arguments of the loaders that need none:
 * `wget HOST/path`, `curl -O HOST/path`, `tftp -g -r FILE HOST`, `tftp HOST -c get FILE`, `ftpget
 * HOST LOCAL REMOTE`; each also percent-encoded, with `+` or ${IFS} for blanks, or with JSON's \/.
 */
#pragma once

#include "protocol/protocol.h"

#define URLS_TEXT_MAX 8192 /* what is behind is not looked at */
#define URLS_LEN_MAX 512   /* longer ones are cut */
#define URLS_MAX 16        /* different ones of one text */

/* The URL is borrowed, valid during the call. */
typedef void (*urls_fn)(void *arg, struct protocol_text url);

/* Calls fn for each different URL of the text, in the order of their appearance, those with a
 * scheme first.  Returns how many. */
unsigned urls_find(const void *text, size_t len, urls_fn fn, void *arg);
