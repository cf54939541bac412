-- Access per country, site day and sensor, and what of it belongs to rises that are listed.
SELECT country AS target, date, sensor, sum(packets) AS counted,
  sumIf(packets, {explained}) AS told
FROM country_day
WHERE date >= {from_day} AND date < {to_day}
GROUP BY target, date, sensor
ORDER BY target, date, sensor
