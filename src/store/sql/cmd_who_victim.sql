SELECT proto * 65536 + port AS target, sum(packets) AS packets_port,
	min(date) AS first_day, max(date) AS last_day,
	min(country) AS country_victim, max(asn) AS asn_victim
FROM victim_day
WHERE victim_hi = {hi} AND victim_lo = {lo}
GROUP BY target
ORDER BY packets_port DESC, target
