/* Tests of a packet's fields and of what is remembered of flows and hosts.  Private to detect/. */
#pragma once

#include "detect/signature/engine.h"

bool packet_test_holds(struct signatures *s, const struct rule_test *test,
    const struct subject *subject);

/* Sets the bits and numbers of a rule that matched. */
void packet_test_change(struct signatures *s, const struct rule_test *test,
    const struct subject *subject);
