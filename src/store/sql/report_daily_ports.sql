SELECT {day} AS day, sensor, {target} AS target, sum(packets) AS packets_day
FROM port_quarter
WHERE class = 0 AND time >= {from} AND time < {to} AND {target} IN ({targets})
GROUP BY day, sensor, target
