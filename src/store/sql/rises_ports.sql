-- Access and distinct sources (IPv6 by /64) per port and site day, all sensors together.
SELECT proto, port, date, packets, sources
FROM port_day
WHERE sensor = 0 AND date >= {from_day} AND date < {to_day}
