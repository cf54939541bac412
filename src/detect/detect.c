/* Detection; the contract is in detect.h. */
#include "detect/detect.h"

#define DETECT_VERSION 1u

unsigned detect_version(void)
{
	return DETECT_VERSION;
}
