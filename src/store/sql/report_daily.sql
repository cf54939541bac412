SELECT {day} AS day, sensor, class, sum(packets) AS packets_day
FROM port_quarter
WHERE class IN (0, 2) AND time >= {from} AND time < {to}
GROUP BY day, sensor, class
