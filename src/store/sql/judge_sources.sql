-- About how many sources a date has: those of some addresses.
SELECT toInt64(uniqExact(src_lo)) * 64 AS sources FROM judge_flow WHERE bitAnd(src_lo, 63) = 37
