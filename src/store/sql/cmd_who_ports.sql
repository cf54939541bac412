SELECT class, {target} AS target,
	sum(packets) AS packets_port,
	min(toUnixTimestamp(time) + first_second) AS first_seen,
	max(toUnixTimestamp(time) + last_second) AS last_seen,
	max(marks % 2) AS mirai,
	max(intDiv(marks, 2) % 2) AS zmap,
	max(intDiv(marks, 4) % 2) AS masscan,
	max(intDiv(marks, 8) % 2) AS synful,
	min(country) AS country_source,
	max(asn) AS asn_source
FROM flow
WHERE src_hi = {hi} AND src_lo = {lo}
GROUP BY class, target
ORDER BY packets_port DESC, target, class
