SELECT country AS target, date, sensor, count(*) AS sources
FROM source_day
WHERE date >= {from_day} AND date < {to_day}
GROUP BY target, date, sensor
ORDER BY target, date, sensor
