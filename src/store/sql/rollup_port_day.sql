-- Access packets (class 0) and distinct sources (IPv6 by /64) per site day, sensor and port; sensor
-- 0 has those of all sensors together, where a source counts once.
SELECT date, sensor, proto, port, sum(few) AS packets, count(*) AS sources
FROM (SELECT date, sensor, proto, port, src_hi, multiIf(src_hi = 0, src_lo, 0) AS low,
    sum(packets) AS few
  FROM {flow} AS rows
  WHERE class = 0
  GROUP BY date, sensor, proto, port, src_hi, low) AS asked
GROUP BY date, sensor, proto, port
UNION ALL
SELECT date, 0 AS sensor, proto, port, sum(few) AS packets, count(*) AS sources
FROM (SELECT date, proto, port, src_hi, multiIf(src_hi = 0, src_lo, 0) AS low,
    sum(packets) AS few
  FROM {flow} AS rows
  WHERE class = 0
  GROUP BY date, proto, port, src_hi, low) AS asked
GROUP BY date, proto, port
