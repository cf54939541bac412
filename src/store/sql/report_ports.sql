-- Access of every port, by sensor and site day: summed up where it is read.
SELECT date, sensor, proto, port, packets
FROM {ranked_port_days}
WHERE date >= {from_day} AND date < {to_day}
