SELECT sum("count") AS records
FROM event
WHERE time >= {begin} AND time < {end} AND sensor IN ({among})
