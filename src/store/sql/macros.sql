-- ClickHouse's names of what the questions use, for DuckDB.  The questions keep to the subset that
-- both engines run unchanged: no WITH, no window functions, no LIMIT BY, every subquery named,
-- times only through toDateTime('…').  uniqExact where a number is published.
CREATE MACRO toDate(x) AS CAST(x AS DATE);
CREATE MACRO toDateTime(x) AS CAST(x AS TIMESTAMP);
CREATE MACRO toStartOfDay(x) AS date_trunc('day', x);
CREATE MACRO toStartOfHour(x) AS date_trunc('hour', x);
CREATE MACRO toStartOfMinute(x) AS date_trunc('minute', x);
CREATE MACRO toStartOfFifteenMinutes(x) AS time_bucket(INTERVAL 15 minute, x);
CREATE MACRO toMonday(x) AS CAST(date_trunc('week', x) AS DATE);
CREATE MACRO toStartOfMonth(x) AS CAST(date_trunc('month', x) AS DATE);
CREATE MACRO toStartOfQuarter(x) AS CAST(date_trunc('quarter', x) AS DATE);
CREATE MACRO toStartOfYear(x) AS CAST(date_trunc('year', x) AS DATE);
CREATE MACRO toYYYYMM(x) AS year(x) * 100 + month(x);
CREATE MACRO toHour(x) AS hour(x);
CREATE MACRO toMinute(x) AS minute(x);
CREATE MACRO toYear(x) AS year(x);
CREATE MACRO toMonth(x) AS month(x);
CREATE MACRO toDayOfWeek(x) AS isodow(x);
CREATE MACRO toUnixTimestamp(x) AS CAST(epoch(x) AS BIGINT);
CREATE MACRO addSeconds(x, n) AS x + to_seconds(n);
CREATE MACRO addMinutes(x, n) AS x + to_minutes(n);
CREATE MACRO addHours(x, n) AS x + to_hours(n);
CREATE MACRO addDays(x, n) AS x + to_days(n);
CREATE MACRO uniq(x) AS approx_count_distinct(x);
CREATE MACRO uniqExact(x) AS count(DISTINCT x), (x, y) AS count(DISTINCT (x, y)),
  (x, y, z) AS count(DISTINCT (x, y, z)), (x, y, z, w) AS count(DISTINCT (x, y, z, w));
CREATE MACRO uniqExactIf(x, c) AS count(DISTINCT x) FILTER (WHERE c),
  (x, y, c) AS count(DISTINCT (x, y)) FILTER (WHERE c);
CREATE MACRO uniqIf(x, c) AS approx_count_distinct(x) FILTER (WHERE c);
CREATE MACRO countIf(c) AS count(*) FILTER (WHERE c);
CREATE MACRO sumIf(x, c) AS coalesce(sum(x) FILTER (WHERE c), 0);
CREATE MACRO minIf(x, c) AS min(x) FILTER (WHERE c);
CREATE MACRO maxIf(x, c) AS max(x) FILTER (WHERE c);
CREATE MACRO argMaxIf(x, y, c) AS arg_max(x, y) FILTER (WHERE c);
CREATE MACRO groupBitOr(x) AS bit_or(x);
CREATE MACRO groupArray(x) AS list(x);
CREATE MACRO groupUniqArray(x) AS list(DISTINCT x);
CREATE MACRO intDiv(a, b) AS a // b;
CREATE MACRO modulo(a, b) AS a % b;
CREATE MACRO bitShiftRight(a, n) AS a >> n;
CREATE MACRO bitShiftLeft(a, n) AS a << n;
CREATE MACRO bitAnd(a, b) AS a & b;
CREATE MACRO bitOr(a, b) AS a | b;
CREATE MACRO bitCount(a) AS bit_count(a);
CREATE MACRO toUInt8(x) AS CAST(x AS UTINYINT);
CREATE MACRO toUInt16(x) AS CAST(x AS USMALLINT);
CREATE MACRO toUInt32(x) AS CAST(x AS UINTEGER);
CREATE MACRO toUInt64(x) AS CAST(x AS UBIGINT);
CREATE MACRO toInt64(x) AS CAST(x AS BIGINT);
CREATE MACRO toFloat64(x) AS CAST(x AS DOUBLE);
CREATE MACRO toString(x) AS CAST(x AS VARCHAR);
CREATE MACRO formatDateTime(x, f) AS strftime(x, f);
CREATE MACRO multiIf(a, b, c) AS CASE WHEN a THEN b ELSE c END,
  (a, b, c, d, e) AS CASE WHEN a THEN b WHEN c THEN d ELSE e END,
  (a, b, c, d, e, f, g) AS CASE WHEN a THEN b WHEN c THEN d WHEN e THEN f ELSE g END,
  (a, b, c, d, e, f, g, h, i) AS
    CASE WHEN a THEN b WHEN c THEN d WHEN e THEN f WHEN g THEN h ELSE i END;
CREATE MACRO arrayJoin(l) AS unnest(l);
CREATE MACRO has(l, x) AS list_contains(l, x);

-- Teiten's own words.  Addresses are two unsigned words, IPv4 as ::ffff:a.b.c.d; text after
-- RFC 5952: the longest run of zero groups becomes '::'.
CREATE MACRO isIPv4(hi, lo) AS hi = 0 AND (lo >> 32) = 65535;
CREATE MACRO ipv4Text(lo) AS concat((lo >> 24) & 255, '.', (lo >> 16) & 255, '.',
  (lo >> 8) & 255, '.', lo & 255);
CREATE MACRO ipv6Groups(hi, lo) AS concat(
  format('{:x}', hi >> 48), ':', format('{:x}', (hi >> 32) & 65535), ':',
  format('{:x}', (hi >> 16) & 65535), ':', format('{:x}', hi & 65535), ':',
  format('{:x}', lo >> 48), ':', format('{:x}', (lo >> 32) & 65535), ':',
  format('{:x}', (lo >> 16) & 65535), ':', format('{:x}', lo & 65535));
CREATE MACRO ipv6Short(t) AS CASE
  WHEN regexp_matches(t, '(^|:)0(:0){7}(:|$)') THEN '::'
  WHEN regexp_matches(t, '(^|:)0(:0){6}(:|$)') THEN regexp_replace(t, '(^|:)0(:0){6}(:|$)', '::')
  WHEN regexp_matches(t, '(^|:)0(:0){5}(:|$)') THEN regexp_replace(t, '(^|:)0(:0){5}(:|$)', '::')
  WHEN regexp_matches(t, '(^|:)0(:0){4}(:|$)') THEN regexp_replace(t, '(^|:)0(:0){4}(:|$)', '::')
  WHEN regexp_matches(t, '(^|:)0(:0){3}(:|$)') THEN regexp_replace(t, '(^|:)0(:0){3}(:|$)', '::')
  WHEN regexp_matches(t, '(^|:)0(:0){2}(:|$)') THEN regexp_replace(t, '(^|:)0(:0){2}(:|$)', '::')
  WHEN regexp_matches(t, '(^|:)0:0(:|$)') THEN regexp_replace(t, '(^|:)0:0(:|$)', '::')
  ELSE t END;
CREATE MACRO ipText(hi, lo) AS
  CASE WHEN isIPv4(hi, lo) THEN ipv4Text(lo) ELSE ipv6Short(ipv6Groups(hi, lo)) END;
CREATE MACRO className(c) AS
  CASE c WHEN 0 THEN 'request' WHEN 1 THEN 'followup' WHEN 2 THEN 'backscatter' ELSE 'other' END;
CREATE MACRO protoName(p) AS CASE p WHEN 1 THEN 'icmp' WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp'
  WHEN 58 THEN 'icmpv6' ELSE CAST(p AS VARCHAR) END;
CREATE MACRO portName(p, port) AS concat(port, '/', protoName(p));
CREATE MACRO splitByLines(t) AS string_split(t, chr(10));
