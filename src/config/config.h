/*
 * Configuration: one YAML schema for all programs, as typed structs with a default for each key.
 */
#pragma once

#include "base/status.h"
