SELECT sensor, sum(packets) AS packets_sensor
FROM flow
WHERE src_hi = {hi} AND src_lo = {lo}
GROUP BY sensor
ORDER BY sensor
