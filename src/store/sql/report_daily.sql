SELECT date, sensor, sum(packets) AS packets_day
FROM country_day
WHERE date >= {from_day} AND date < {to_day}
GROUP BY date, sensor
ORDER BY date, sensor
