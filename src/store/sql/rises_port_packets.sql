-- Access per port, site day and sensor, of the ports that could have risen, fallen or crept up:
-- those whose clearest day is far enough from their mean.
SELECT {target} AS target, date, sensor, sum(packets) AS counted
FROM country_day
WHERE date >= {from_day} AND date < {to_day} AND {target} IN (
  SELECT chosen
  FROM (SELECT chosen, max(counted_day) AS most, min(counted_day) AS least,
      sum(counted_day) / {days} AS mean, count(*) AS days_seen
    FROM (SELECT date AS day, {target} AS chosen, sum(packets) AS counted_day
      FROM country_day
      WHERE date >= {from_day} AND date < {to_day}
      GROUP BY day, chosen) AS daily
    GROUP BY chosen) AS ports
  WHERE (most >= 5 AND most >= mean + 2.5 * sqrt(mean) AND most >= 1.3 * mean)
    OR (mean >= 10 AND (least * 2 < mean OR days_seen < {days})))
GROUP BY target, date, sensor
ORDER BY target, date, sensor
