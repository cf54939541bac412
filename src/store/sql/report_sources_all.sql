-- As report_sources where the panel is all sensors or none.
SELECT date, sum(sources) AS sources, sum(sources) * {in_panel} AS sources_panel
FROM origin_day
WHERE date >= {from_day} AND date < {to_day} AND sensor = 0 AND mark = 0
GROUP BY date
