SELECT {week} AS week, {target} AS target, sum(packets) AS packets_week
FROM port_quarter
WHERE class = 0 AND time >= {weeks_from} AND time < {weeks_to}
GROUP BY week, target
