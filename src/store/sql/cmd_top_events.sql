SELECT protocol, event, sum("count") AS records, uniqExact(sensor) AS sensors
FROM event
WHERE time >= {begin} AND time < {end} AND sensor IN ({among})
GROUP BY protocol, event
ORDER BY records DESC, protocol, event
LIMIT {n}
