-- Distinct sources (IPv6 by /64) of some countries that asked nothing but ports whose rises are
-- listed: whose number of ports is that of such ports. Per sensor, and as sensor 0 over all of them:
-- there a source counts once.
SELECT target, date, coalesce(place, 0) AS sensor, count(*) AS told
FROM (SELECT date, place, src_hi, low, max(code) AS target
  FROM (SELECT date, sensor AS place, src_hi, multiIf(src_hi = 0, src_lo, 0) AS low,
      country AS code, toInt64(ports) AS asked
    FROM source_day
    WHERE date >= {from_day} AND date < {to_day} AND {suspects}
    UNION ALL
    SELECT date, sensor AS place, src_hi, multiIf(src_hi = 0, src_lo, 0) AS low,
      max(country) AS code, -toInt64(uniqExact(proto * 65536 + port)) AS asked
    FROM flow
    WHERE class = 0 AND date >= {from_day} AND date < {to_day} AND {suspects} AND {explained}
    GROUP BY date, sensor, src_hi, src_lo) AS parts
  GROUP BY GROUPING SETS ((date, place, src_hi, low), (date, src_hi, low))
  HAVING sum(asked) = 0) AS others
GROUP BY target, date, place
ORDER BY target, date, sensor
