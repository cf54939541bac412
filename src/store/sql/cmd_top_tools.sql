-- Tools of the sources of access, judged per source and day; '' where none is known.
SELECT tool AS tool_name,
	sum(CASE WHEN date >= {now_day} THEN packets ELSE 0 END) AS packets_now,
	sum(CASE WHEN date < {now_day} THEN packets ELSE 0 END) AS packets_before,
	uniqExactIf(src_hi, src_lo, date >= {now_day}) AS sources_now
FROM role AS judged
WHERE date >= {from_day} AND date < {to_day} AND packets > 0 AND role <> 'victim-reflection'
GROUP BY tool_name
ORDER BY packets_now DESC, tool_name
