SELECT uniqExact({key}) AS kinds, count(*) AS tries
FROM login
WHERE time >= {begin} AND time < {end} AND {which}
