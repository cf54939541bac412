SELECT packets_read, packets_counted, kernel_drops, drops
FROM coverage
WHERE time >= {now} AND time < {to}
