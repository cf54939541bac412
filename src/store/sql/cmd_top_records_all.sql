SELECT count(*) AS records
FROM {table}
WHERE time >= {begin} AND time < {end} AND sensor IN ({among}) AND {which}
