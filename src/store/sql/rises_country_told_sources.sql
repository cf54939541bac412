-- Distinct sources (IPv6 by /64) of some countries that asked nothing but ports whose rises are
-- listed: whose number of ports is that of such ports.
SELECT target, date, sensor, count(*) AS told
FROM (SELECT date, sensor, src_hi, low, max(code) AS target
  FROM (SELECT date, sensor, src_hi, multiIf(src_hi = 0, src_lo, 0) AS low, country AS code,
      toInt64(ports) AS asked
    FROM source_day
    WHERE date >= {from_day} AND date < {to_day} AND {suspects}
      AND (date, src_hi, multiIf(src_hi = 0, src_lo, 0)) IN (
        SELECT (date, src_hi, multiIf(src_hi = 0, src_lo, 0))
        FROM flow
        WHERE class = 0 AND date >= {from_day} AND date < {to_day} AND {suspects} AND {explained})
    UNION ALL
    SELECT date, sensor, src_hi, multiIf(src_hi = 0, src_lo, 0) AS low, max(country) AS code,
      -toInt64(uniqExact(proto * 65536 + port)) AS asked
    FROM flow
    WHERE class = 0 AND date >= {from_day} AND date < {to_day} AND {suspects} AND {explained}
    GROUP BY date, sensor, src_hi, src_lo) AS parts
  GROUP BY date, sensor, src_hi, low
  HAVING sum(asked) = 0) AS others
GROUP BY target, date, sensor
ORDER BY target, date, sensor
