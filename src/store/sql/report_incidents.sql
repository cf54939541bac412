SELECT kind, victim_hi, victim_lo, proto, port, start, "end", packets, max_ppm, country, asn
FROM attack
WHERE date >= {now_day} AND date < {to_day}
ORDER BY kind, victim_hi, victim_lo, proto, port, start
LIMIT {most}
