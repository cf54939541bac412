SELECT min(time) AS first_moment, max("end") AS last_moment
FROM coverage
WHERE time >= {since}
