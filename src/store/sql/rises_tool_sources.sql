-- Access per mark (a bit), site day and sensor: sources.
SELECT mark AS target, date, sensor, sum(sources) AS seen
FROM origin_day
WHERE date >= {from_day} AND date < {to_day} AND sensor > 0 AND mark > 0
GROUP BY target, date, sensor
ORDER BY target, date, sensor
