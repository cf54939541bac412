-- Access per port, site day and sensor, of the ports chosen.
SELECT {target} AS target, date, sensor, sum(packets) AS counted
FROM port_day
WHERE sensor > 0 AND date >= {from_day} AND date < {to_day} AND {target} IN ({targets})
GROUP BY target, date, sensor
ORDER BY target, date, sensor
