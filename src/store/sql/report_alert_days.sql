SELECT date, sensor, count(*) AS matches
FROM alert
WHERE time >= {from} AND time < {to}
GROUP BY date, sensor
ORDER BY date, sensor
