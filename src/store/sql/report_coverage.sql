SELECT sensor, time, "end", addresses
FROM coverage
WHERE time >= {from} AND time < {to}
ORDER BY sensor, time, addresses
