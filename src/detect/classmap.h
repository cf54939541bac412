/*
 * Attack methods (攻撃手法別): which signature counts as what in reports.
 *
 * A versioned map from text in the format of data/attack-classes.map (described there) to classes
 * with names in both languages.  The map is read once and never changed; it does no I/O: the text
 * is the caller's.
 */
#pragma once

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define CLASSMAP_CLASSES_MAX 64
#define CLASSMAP_LINES_MAX 2048 /* of "when" */
#define CLASSMAP_CONDITIONS_MAX 6

struct classmap_class {
	const char *id;
	const char *ja;
	const char *en;
};

/* What is known about a signature; NULL texts count as empty. */
struct classmap_rule {
	uint32_t gid;
	uint32_t sid;
	const char *classtype;
	const char *msg;
};

struct classmap;

/*
 * Reads a map; NULL text = the built-in one.  `name` is the file's, for errors, which say
 * NAME:LINE: what is wrong.  The text is copied.
 */
ST_MUST_CHECK int classmap_new(const char *text, const char *name, struct classmap **ret_map,
    struct err *err);
void classmap_free(struct classmap *map);

/* The date or number of the line `version`. */
const char *classmap_version(const struct classmap *map);
size_t classmap_count(const struct classmap *map);
const struct classmap_class *classmap_at(const struct classmap *map, size_t i);
/* Index of the class of `otherwise`. */
size_t classmap_rest(const struct classmap *map);
/* Index of the class of a signature. */
size_t classmap_find(const struct classmap *map, const struct classmap_rule *rule);
