-- Access packets (class 0) and distinct sources (IPv6 by /64) per site day, sensor and country: of
-- all packets, and of those with each mark (a bit).  Sensor 0 has all sensors together, where a
-- source counts once.
SELECT date, place AS sensor, code AS country, bit AS mark, sum(few) AS packets, count(*) AS sources
FROM (SELECT date, sensor * own AS place, src_hi, low, bit, max(code) AS code, sum(few) AS few
  FROM (SELECT date, sensor, src_hi, multiIf(src_hi = 0, src_lo, 0) AS low, marks,
      max(country) AS code, sum(packets) AS few
    FROM {flow} AS rows
    WHERE class = 0
    GROUP BY date, sensor, src_hi, low, marks) AS asked,
    (SELECT 0 AS bit UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 4 UNION ALL SELECT 8)
    AS bits, (SELECT 0 AS own UNION ALL SELECT 1) AS places
  WHERE bit = 0 OR bitAnd(marks, bit) > 0
  GROUP BY date, place, src_hi, low, bit) AS asked_with
GROUP BY date, place, code, bit
