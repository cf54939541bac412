SELECT date, count(*) AS sources, sum(in_panel) AS sources_panel
FROM (
	SELECT date, CASE WHEN src_hi = 0 THEN src_lo ELSE src_hi END AS source,
		{in_panel} AS in_panel
	FROM source_day
	WHERE date >= {from_day} AND date < {to_day}
	GROUP BY date, source
) AS distinct_sources
GROUP BY date
