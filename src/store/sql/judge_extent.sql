-- Whether a date has rows of one sensor, and of IPv6.
SELECT toInt64(coalesce(min(sensor), 0)) AS least, toInt64(coalesce(max(sensor), 1)) AS largest,
	toInt64(coalesce(max(multiIf(src_hi = 0, 0, 1)), 0)) AS six
FROM judge_flow
