SELECT concat(toString(gid), ':', toString(sid)) AS target, date, sensor, count(*) AS counted
FROM alert
WHERE date >= {from_day} AND date < {to_day}
GROUP BY target, date, sensor
ORDER BY target, date, sensor
