SELECT sensor, asn,
	sum(CASE WHEN date >= {now_day} THEN packets ELSE 0 END) AS packets_now,
	sum(CASE WHEN date < {now_day} THEN packets ELSE 0 END) AS packets_before
FROM {ranked}
WHERE date >= {from_day} AND date < {to_day}
GROUP BY sensor, asn
ORDER BY sensor, asn
