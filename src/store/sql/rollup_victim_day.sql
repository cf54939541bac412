-- Backscatter packets (class 2) per site day, sensor, attacked address, protocol and port.
SELECT date, sensor, victim_hi, victim_lo, country, asn, attacked AS proto, attacked_port AS port,
  sum(packets) AS packets
FROM (SELECT date, sensor, victim_hi, victim_lo, country, asn, victim_proto AS attacked,
    multiIf(victim_proto = 6 OR victim_proto = 17, port, 0) AS attacked_port, packets
  FROM {flow} AS rows
  WHERE class = 2) AS f
GROUP BY date, sensor, victim_hi, victim_lo, country, asn, attacked, attacked_port
