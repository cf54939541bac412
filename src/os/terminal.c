/* Terminal questions; the contract is in terminal.h. */
#include "os/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

bool os_terminal_is(int fd)
{
	return isatty(fd) == 1;
}

unsigned os_terminal_columns(int fd)
{
	struct winsize size = {0};

	if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return OS_TERMINAL_COLUMNS_DEFAULT;
	return size.ws_col;
}
