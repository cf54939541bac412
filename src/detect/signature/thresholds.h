/*
 * What is remembered between packets of different flows: thresholds and xbits.  Private to detect/.
 */
#pragma once

#include "detect/signature/rule.h"

#define THRESHOLDS_MAX (1u << 16)
#define XBITS_MAX (1u << 15)

struct thresholds;

ST_MUST_CHECK int thresholds_new(struct thresholds **ret_thresholds);
void thresholds_free(struct thresholds *t);

/* True when a match of this rule may be raised now; flow: any number that is the flow's own. */
bool thresholds_allow(struct thresholds *t, const struct rule *rule,
    const struct rule_threshold *threshold, struct ip src, struct ip dst, uint64_t flow,
    int64_t time_us);

bool xbits_test(struct thresholds *t, const struct rule_test *test, struct ip src, struct ip dst,
    int64_t time_us);
void xbits_change(struct thresholds *t, const struct rule_test *test, struct ip src, struct ip dst,
    int64_t time_us);
