-- As report_ports, from one country.
SELECT date, sensor, proto, port, packets
FROM {ranked_ports}
WHERE date >= {from_day} AND date < {to_day} AND country = {home}
