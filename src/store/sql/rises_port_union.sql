-- The same over all sensors: a source counts once.
SELECT {target} AS target, date, sum(sources) AS seen
FROM port_day
WHERE sensor = 0 AND date >= {from_day} AND date < {to_day} AND {target} IN ({targets})
GROUP BY target, date
ORDER BY target, date
