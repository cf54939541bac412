-- Access packets (class 0) per site day, sensor, country, protocol, port and Mirai mark.
SELECT date, sensor, country, proto, port, with_mirai AS mirai, sum(packets) AS packets
FROM (SELECT date, sensor, country, proto, port, bitAnd(marks, 1) AS with_mirai, packets
  FROM {flow} AS rows
  WHERE class = 0) AS f
GROUP BY date, sensor, country, proto, port, with_mirai
