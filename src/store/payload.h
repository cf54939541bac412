/*
 * The blobs below payload/, for those who look after a store; putting one is in store.h.
 */
#pragma once

#include "store/internal.h"
