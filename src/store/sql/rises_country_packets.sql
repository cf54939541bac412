-- Access per country, site day and sensor.
SELECT country AS target, date, sensor, sum(packets) AS counted
FROM country_day
WHERE date >= {from_day} AND date < {to_day}
GROUP BY target, date, sensor
ORDER BY target, date, sensor
