-- Count one more failed sign-in; failures long ago are forgotten, one too many sets until when to wait.
-- Reads and writes staff_signinfailure; two at once are two. Leans on the primary key.
INSERT INTO staff_signinfailure AS f (key, count, since, until)
VALUES (%(key)s, 1, %(as_of)s, NULL)
ON CONFLICT (key) DO UPDATE
SET
    count = CASE WHEN f.since < %(forgotten)s THEN 1 ELSE f.count + 1 END,
    since = CASE WHEN f.since < %(forgotten)s THEN excluded.since ELSE f.since END,
    until = CASE WHEN f.since >= %(forgotten)s AND f.count + 1 >= %(most)s THEN %(until)s::timestamptz ELSE f.until END
