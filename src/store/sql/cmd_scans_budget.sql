-- How many sources have so many packets (those above {cap} count as {cap}), and at most how many
-- rows cmd_scans makes of them: decides from how many packets on sources are looked at.
SELECT multiIf(packets_source > {cap}, {cap}, packets_source) AS packets_capped,
	count(*) AS sources, sum(packets_source) AS packets_all,
	sum(multiIf(packets_source < rows_source, packets_source, rows_source)) AS rows_all
FROM (
	SELECT src_hi, src_lo, sum(packets) AS packets_source,
		multiIf(max(ports) > {ports}, count(*), sum(ports)) * {buckets} AS rows_source
	FROM source_day
	WHERE date >= {since_day} AND date < {to_day} AND {source}
	GROUP BY src_hi, src_lo
	HAVING (sum(dsts) >= {destinations} OR sum(ports) > {ports}) AND max(date) >= {now_day}
) AS source
GROUP BY packets_capped
ORDER BY packets_capped DESC
