-- What an address keeps constant in its SYNs.
SELECT id, max(fields) AS fields_all, max(initial_ttl) AS ttl_all, max(syn_window) AS window_all,
	max(options) AS options_all, sum(syns) AS syns_all
FROM cluster_day
WHERE src_hi = {hi} AND src_lo = {lo}
GROUP BY id
ORDER BY syns_all DESC, id
