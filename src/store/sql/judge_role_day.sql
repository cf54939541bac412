-- Access of the sources whose roles are counted apart.
INSERT INTO judged_role_day
SELECT {day} AS date, flow.sensor, roles.role, flow.country, flow.asn, flow.proto, flow.port,
	bitAnd(flow.marks, 1) AS mirai, sum(flow.packets) AS packets,
	uniqExact(flow.src_hi, flow.src_lo) AS sources
FROM judge_flow AS flow
JOIN judged_role AS roles ON roles.src_hi = flow.src_hi AND roles.src_lo = flow.src_lo
WHERE flow.class = 0 AND roles.date = {day} AND roles.role IN ({apart})
GROUP BY flow.sensor, roles.role, flow.country, flow.asn, flow.proto, flow.port, mirai
