/* Signals; the contract is in signals.h. */
#include "os/signals.h"

#include <signal.h>
#include <stddef.h>

void os_signal_catch(int number, void (*handler)(int number))
{
	struct sigaction action = {.sa_handler = handler};

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(number, &action, NULL);
}

void os_signal_ignore(int number)
{
	os_signal_catch(number, SIG_IGN);
}
