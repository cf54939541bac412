/* Prints docs/records.md from fields.def; a test compares it with the file. */
#include "record/record.h"

#include <stdio.h>

int main(void)
{
	struct buf b = {0};

	record_document(&b);
	(void)fputs(buf_text(&b), stdout);
	buf_fini(&b);
	return 0;
}
