-- Additive counts per quarter of an hour, from which any zone's day can be rebuilt.  All classes;
-- backscatter counts under the protocol that was attacked.
SELECT date, quarter AS time, sensor, attacked AS proto, port, class, marks,
  sum(packets) AS packets, sum(bytes) AS bytes
FROM (SELECT date, toStartOfFifteenMinutes(time) AS quarter, sensor,
    multiIf(class = 2, victim_proto, proto) AS attacked, port, class, marks, packets, bytes
  FROM {flow} AS rows) AS f
GROUP BY date, quarter, sensor, attacked, port, class, marks
