-- Packets of a rise by country.
SELECT country, sum(packets) AS counted
FROM flow
WHERE class = 0 AND date >= {begin_day} AND date < {end_day} AND time >= {begin} AND time < {end}
  AND {key}
GROUP BY country
ORDER BY counted DESC, country
LIMIT 20
