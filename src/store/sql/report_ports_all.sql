-- As report_ports, of everybody.
SELECT date, sensor, proto, port, packets
FROM port_day
WHERE date >= {from_day} AND date < {to_day} AND sensor > 0
