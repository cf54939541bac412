-- What of it belongs to ports whose rises are listed.
SELECT country AS target, date, sensor, sum(packets) AS told
FROM country_day
WHERE date >= {from_day} AND date < {to_day} AND {explained}
GROUP BY target, date, sensor
ORDER BY target, date, sensor
