/*
 * The configured thresholds of rises (detect.rise_*), for everybody who looks for them.
 */
#pragma once

#include "detect/rise.h"

struct rise_rule rises_rule(void);
