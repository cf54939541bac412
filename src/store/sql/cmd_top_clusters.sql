-- Sources whose SYNs keep something constant, of no known tool, by cluster; packets are all access
-- of those sources on those days.
SELECT clusters.id, max(clusters.fields) AS fields_all, max(clusters.initial_ttl) AS ttl_all,
	max(clusters.syn_window) AS window_all, max(clusters.options) AS options_all,
	sum(CASE WHEN clusters.date >= {now_day} THEN judged.packets ELSE 0 END) AS packets_now,
	sum(CASE WHEN clusters.date < {now_day} THEN judged.packets ELSE 0 END) AS packets_before,
	uniqExactIf(clusters.src_hi, clusters.src_lo, clusters.date >= {now_day}) AS sources_now
FROM (
	SELECT DISTINCT date, src_hi, src_lo, id, fields, initial_ttl, syn_window, options
	FROM cluster_day
	WHERE date >= {from_day} AND date < {to_day}
) AS clusters
JOIN role AS judged ON judged.date = clusters.date AND judged.src_hi = clusters.src_hi
	AND judged.src_lo = clusters.src_lo
WHERE judged.date >= {from_day} AND judged.date < {to_day} AND judged.tool = ''
GROUP BY clusters.id
HAVING sum(CASE WHEN clusters.date >= {now_day} THEN judged.packets ELSE 0 END) > 0
ORDER BY packets_now DESC, clusters.id
LIMIT {n}
