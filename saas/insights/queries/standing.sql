-- How much of everything there is, for what the plan allows and for what is still to be done. Customers are counted only where
-- the plan has a limit: of a million it takes long, and nobody asks.
SELECT CASE WHEN EXISTS (SELECT FROM entitlements WHERE name = 'contacts' AND most IS NOT NULL)
            THEN (SELECT count(*) FROM customers) ELSE 0 END AS contacts,
       (SELECT count(*) FROM shops WHERE removed_at IS NULL) AS shops,
       (SELECT count(*) FROM members WHERE removed_at IS NULL) AS members,
       coalesce((SELECT used FROM usage_counts WHERE name = 'mails_month' AND period = :period), 0) AS mails_month,
       EXISTS (SELECT 1 FROM orders) AS orders,
       EXISTS (SELECT 1 FROM mailings) AS mailings,
       (SELECT count(*) FROM campaigns WHERE state = 'paused') AS paused,
       (SELECT count(*) FROM campaigns WHERE trouble <> '') AS troubled
