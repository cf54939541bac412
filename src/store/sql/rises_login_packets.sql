SELECT protocol AS target, date, sensor, count(*) AS counted
FROM login
WHERE date >= {from_day} AND date < {to_day}
GROUP BY target, date, sensor
ORDER BY target, date, sensor
