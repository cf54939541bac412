-- First payloads, in the order of time: what signatures of today say about what came then.
SELECT time, sensor, id, src_hi, src_lo, sport, dport, transport, hex(payload) AS bytes
FROM session
WHERE time >= {from} AND time < {until} AND octet_length(payload) > 0
ORDER BY time, id
