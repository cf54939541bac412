-- What the sources of a ranking were judged to be, by day; IPv6 sources by /64.
SELECT CASE WHEN src_hi = 0 THEN 0 ELSE src_hi END AS source_hi,
	CASE WHEN src_hi = 0 THEN src_lo ELSE 0 END AS source_lo,
	judged.role AS kind, sum(packets + replies) AS packets_role
FROM role AS judged
WHERE date >= {now_day} AND date < {to_day} AND (CASE WHEN src_hi = 0 THEN 0 ELSE src_hi END,
	CASE WHEN src_hi = 0 THEN src_lo ELSE 0 END) IN ({sources})
GROUP BY source_hi, source_lo, kind
ORDER BY source_hi, source_lo, packets_role DESC, kind
