-- About how many sources a date has: a sample's number.
SELECT toInt64(uniqExact(src_lo)) * 61 AS sources FROM judge_flow WHERE src_lo % 61 = 7
