SELECT date, sensor, sum(packets) AS packets_day
FROM origin_day
WHERE date >= {from_day} AND date < {to_day} AND sensor > 0 AND mark = 0
GROUP BY date, sensor
ORDER BY date, sensor
