SELECT date, count(*) AS sources, sum(in_panel) AS sources_panel
FROM (
	SELECT date, src_hi, CASE WHEN src_hi = 0 THEN src_lo ELSE 0 END AS src_key,
		{both} AS in_panel
	FROM alert
	WHERE time >= {from} AND time < {to}
	GROUP BY date, src_hi, src_key
) AS distinct_sources
GROUP BY date
