-- Access per port, site day and sensor, of the ports chosen.
SELECT {target} AS target, date, sensor, sum(packets) AS counted
FROM country_day
WHERE date >= {from_day} AND date < {to_day} AND {target} IN ({targets})
GROUP BY target, date, sensor
ORDER BY target, date, sensor
