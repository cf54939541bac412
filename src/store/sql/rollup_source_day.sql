-- One row per site day, sensor and source of access packets (class 0).  dst_bits is exact while
-- no row lacks it; then dsts is its number of bits, else at least the largest of a minute.
SELECT date, sensor, src_hi, src_lo, sum(packets) AS packets,
  uniqExact(proto * 65536 + port) AS ports,
  multiIf(count(dst_bits) = count(), groupBitOr(dst_bits), NULL) AS dst_bits,
  multiIf(count(dst_bits) = count(), bitCount(groupBitOr(dst_bits)), max(dsts)) AS dsts,
  groupBitOr(marks) AS marks, max(country) AS country, max(asn) AS asn
FROM {flow} AS rows
WHERE class = 0
GROUP BY date, sensor, src_hi, src_lo
