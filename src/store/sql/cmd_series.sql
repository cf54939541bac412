SELECT {day} AS day, sensor, {split} AS split, sum(packets) AS packets_day
FROM port_quarter
WHERE class = 0 AND time >= {now} AND time < {to} AND {chosen}
GROUP BY day, sensor, split
