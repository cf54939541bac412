-- How logins were tried: distinct users, passwords and pairs, sources, and the part of the passwords
-- that nobody chose (four characters at most).  Logins without a password say nothing of passwords.
SELECT uniqExactIf(username, asked = 1) AS users, uniqExactIf(word, asked = 1) AS passwords,
  uniqExactIf(username, word, asked = 1) AS pairs, uniqExact(src_hi, src_lo) AS sources,
  uniqExactIf(word, asked = 1 AND length(word) <= 4)
    / greatest(uniqExactIf(word, asked = 1), 1) AS generated
FROM (SELECT src_hi, src_lo, "user" AS username, password AS word,
    CASE WHEN secret = 'none' THEN 0 ELSE 1 END AS asked
  FROM login
  WHERE time >= {begin} AND time < {end} AND protocol = {protocol}) AS tries
