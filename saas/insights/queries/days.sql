-- What happened on each day of the company's zone, one row a figure and day: money in minor units of one currency.
-- Where the sums of the days are kept (day_books) they are read with what changed since they were folded; else the rows are.
WITH book AS MATERIALIZED (
  SELECT FROM day_books WHERE zone = :zone AND filled_at IS NOT NULL
), held AS (
  SELECT day, sum(CASE WHEN currency = :currency THEN paid_amount ELSE 0 END) AS revenue, sum(orders) AS orders,
         sum(first_orders) AS new_customers, sum(visits) AS visits
  FROM (
    SELECT s.day, s.currency, s.paid_amount, s.orders, s.first_orders, s.visits FROM day_sums s
    WHERE EXISTS (SELECT FROM book) AND s.day >= CAST(:first AS date) AND s.day <= CAST(:last AS date)
    UNION ALL
    SELECT CAST(c.at AT TIME ZONE :zone AS date), c.currency, c.paid_amount, c.orders, c.first_orders, c.visits FROM day_changes c
    WHERE EXISTS (SELECT FROM book) AND c.at >= :since AND c.at < :until
  ) parts GROUP BY day
), placed AS (
  SELECT CAST(o.placed_at AT TIME ZONE :zone AS date) AS day, o.lines_micros,
         CASE WHEN o.currency = :currency THEN o.total_amount - o.refunded_amount ELSE 0 END AS amount
  FROM orders o WHERE NOT EXISTS (SELECT FROM book) AND o.status = ANY(:counted) AND o.placed_at >= :since AND o.placed_at < :until
)
SELECT figure, day, CAST(value AS bigint) AS value
FROM held, LATERAL (VALUES ('revenue', revenue), ('orders', orders), ('new_customers', new_customers), ('visits', visits)) AS each (figure, value)
WHERE value <> 0
UNION ALL
SELECT 'revenue', day, CAST(sum(amount) AS bigint) FROM placed GROUP BY day
UNION ALL
SELECT 'orders', day, count(*) FROM placed WHERE lines_micros >= 0 GROUP BY day
UNION ALL
SELECT 'new_customers', CAST(f.first_order_at AT TIME ZONE :zone AS date), count(*) FROM customer_facts f
WHERE NOT EXISTS (SELECT FROM book) AND f.first_order_at >= :since AND f.first_order_at < :until GROUP BY 2
UNION ALL
SELECT 'visits', CAST(v.began_at AT TIME ZONE :zone AS date), count(*) FROM visits v
WHERE NOT EXISTS (SELECT FROM book) AND v.began_at >= :since AND v.began_at < :until GROUP BY 2
UNION ALL
SELECT 'after_offers', CAST(s.bought_at AT TIME ZONE :zone AS date), CAST(round(sum(s.bought_micros) / :micros) AS bigint) FROM offers_shown s
WHERE s.bought_at >= :since AND s.bought_at < :until AND s.bought_currency = :currency GROUP BY 2
UNION ALL
SELECT 'after_mails', CAST(a.ordered_at AT TIME ZONE :zone AS date), CAST(sum(a.amount) AS bigint) FROM attributions a
WHERE a.ordered_at >= :since AND a.ordered_at < :until AND a.currency = :currency GROUP BY 2
