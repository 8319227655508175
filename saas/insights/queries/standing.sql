-- How much of everything there is, for what the plan allows and for what is still to be done.
SELECT (SELECT count(*) FROM customers) AS contacts,
       (SELECT count(*) FROM shops WHERE removed_at IS NULL) AS shops,
       (SELECT count(*) FROM members WHERE removed_at IS NULL) AS members,
       coalesce((SELECT used FROM usage_counts WHERE name = 'mails_month' AND period = :period), 0) AS mails_month,
       EXISTS (SELECT 1 FROM orders) AS orders,
       EXISTS (SELECT 1 FROM mailings) AS mailings,
       (SELECT count(*) FROM campaigns WHERE state = 'paused') AS paused,
       (SELECT count(*) FROM campaigns WHERE trouble <> '') AS troubled
