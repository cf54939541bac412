/*
 * Signals: a handler that sets a flag, or nothing at all.
 */
#pragma once

/* Interrupts what waits, so that the flag is looked at. */
void os_signal_catch(int number, void (*handler)(int number));
void os_signal_ignore(int number);
