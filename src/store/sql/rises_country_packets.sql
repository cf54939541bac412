-- Access per country, site day and sensor.
SELECT country AS target, date, sensor, sum(packets) AS counted
FROM origin_day
WHERE date >= {from_day} AND date < {to_day} AND sensor > 0 AND mark = 0
GROUP BY target, date, sensor
ORDER BY target, date, sensor
