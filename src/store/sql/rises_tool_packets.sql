-- Access per mark (a bit), site day and sensor: packets.
SELECT mark AS target, date, sensor, sum(packets) AS counted
FROM origin_day
WHERE date >= {from_day} AND date < {to_day} AND sensor > 0 AND mark > 0
GROUP BY target, date, sensor
ORDER BY target, date, sensor
