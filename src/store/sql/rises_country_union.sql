-- The same over all sensors: a source counts once.
SELECT country AS target, date, sum(sources) AS seen
FROM origin_day
WHERE date >= {from_day} AND date < {to_day} AND sensor = 0 AND mark = 0
GROUP BY target, date
ORDER BY target, date
