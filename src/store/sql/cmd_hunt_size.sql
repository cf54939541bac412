SELECT count(*) AS sessions, coalesce(sum(octet_length(payload)), 0) AS bytes
FROM session
WHERE time >= {from} AND time < {until} AND octet_length(payload) > 0
