-- Distinct sources (IPv6 by /64) per country, site day and sensor.
SELECT country AS target, date, sensor, sum(sources) AS seen
FROM origin_day
WHERE date >= {from_day} AND date < {to_day} AND sensor > 0 AND mark = 0
GROUP BY target, date, sensor
ORDER BY target, date, sensor
