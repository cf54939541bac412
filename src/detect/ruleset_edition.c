/* The edition of a rule set; the contract is in ruleset_edition.h. */
#include "detect/ruleset_edition.h"

#include "base/civil.h"
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

#define UPDATED "updated_at "
#define DATE_LEN 10 /* 2025_09_05 */

/* The newest date after "updated_at" in a text, 0 without one. */
static int32_t newest(const char *text, size_t len)
{
	const char *end = text + len;
	int32_t found = 0;

	for (const char *at = text; (at = memmem(at, (size_t)(end - at), UPDATED, strlen(UPDATED)));) {
		char date[DATE_LEN];
		int32_t day;

		at += strlen(UPDATED);
		if ((size_t)(end - at) < DATE_LEN)
			break;
		memcpy(date, at, DATE_LEN);
		date[4] = date[4] == '_' ? '-' : '?';
		date[7] = date[7] == '_' ? '-' : '?';
		if (civil_parse_date(date, DATE_LEN, &day) == 0 && day > found)
			found = day;
	}
	return found;
}

void ruleset_edition_find(const struct signatures_text *texts, size_t count,
    struct ruleset_edition *ret_edition)
{
	uint32_t crc = 0;
	uint32_t mixed = 0;

	ret_edition->updated = 0;
	for (size_t i = 0; i < count; i++) {
		int32_t day = newest(texts[i].text, texts[i].len);
		uint32_t one = hash_fnv32(texts[i].text, texts[i].len);

		crc = hash_crc32c(crc, texts[i].text, texts[i].len);
		mixed = (mixed << 7 | mixed >> 25) ^ one;
		if (day > ret_edition->updated)
			ret_edition->updated = day;
	}
	(void)snprintf(ret_edition->digest, sizeof(ret_edition->digest), "%08x%08x", crc, mixed);
}
