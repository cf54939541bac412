SELECT CASE WHEN src_hi = 0 THEN 0 ELSE src_hi END AS source_hi,
	CASE WHEN src_hi = 0 THEN src_lo ELSE 0 END AS source_lo,
	sum(packets) AS packets_source,
	sum(packets * ({weight})) AS rate,
	max(ports) AS ports_day,
	uniqExact(date) AS days,
	uniqExact(sensor) AS sensors,
	max(marks % 2) AS mirai,
	max(intDiv(marks, 2) % 2) AS zmap,
	max(intDiv(marks, 4) % 2) AS masscan,
	max(intDiv(marks, 8) % 2) AS synful,
	min(country) AS country_source,
	max(asn) AS asn_source
FROM source_day
WHERE date >= {now_day} AND date < {to_day} {left_out}
GROUP BY source_hi, source_lo
ORDER BY round(rate, 9) DESC, source_hi, source_lo
LIMIT {n}
