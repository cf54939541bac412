/* teiten: what a person types.  Finds the subcommand and runs it. */
#include <stdio.h>

int main(void)
{
	(void)puts("teiten " TEITEN_VERSION);
	return 0;
}
