SELECT count(*) AS sessions,
	min(toUnixTimestamp(time)) AS first_seen,
	max(toUnixTimestamp(time)) AS last_seen,
	min(country) AS country_source,
	max(asn) AS asn_source
FROM session
WHERE src_hi = {hi} AND src_lo = {lo}
