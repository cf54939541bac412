/* Prints the configuration keys as sections of teiten.conf(5); run by the build. */
#include "config/config.h"

#include <stdio.h>

int main(void)
{
	struct buf b = {0};
	int r;

	config_manual(&b);
	r = fputs(buf_text(&b), stdout) < 0 || fflush(stdout) != 0;
	buf_fini(&b);
	return r;
}
