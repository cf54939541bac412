SELECT sensor, name, country, kind, addresses
FROM sensor
ORDER BY sensor, valid_from
