-- What an address was judged to be, day by day.
SELECT date, judged.role AS kind, reason, packets + replies AS packets_day, tool, research
FROM role AS judged
WHERE src_hi = {hi} AND src_lo = {lo}
ORDER BY date
