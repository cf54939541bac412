-- Distinct sources (IPv6 by /64) per port, site day and sensor.  ICMP as one row: those of its types
-- added up.
SELECT {target} AS target, date, sensor, sum(sources) AS seen
FROM port_day
WHERE sensor > 0 AND date >= {from_day} AND date < {to_day} AND {target} IN ({targets})
GROUP BY target, date, sensor
ORDER BY target, date, sensor
