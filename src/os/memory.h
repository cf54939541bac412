/*
 * Giving memory back that is not needed any more, for programs that run for years.
 */
#pragma once

/*
 * Returns freed heap to the kernel and lets go of the pages of programs and libraries that were only
 * needed to start or now and then: they are on the disk and come back when they are touched.  Costs
 * some page faults afterwards, so it is for moments that come once a minute at most.
 */
void os_memory_release(void);
