-- What happened on each day of the company's zone, one row a figure and day: money in minor units of one currency.
WITH placed AS (
  SELECT CAST(o.placed_at AT TIME ZONE :zone AS date) AS day, o.customer_id, o.placed_at, o.lines_micros,
         CASE WHEN o.currency = :currency THEN o.total_amount - o.refunded_amount ELSE 0 END AS amount
  FROM orders o WHERE o.status = ANY(:counted) AND o.placed_at >= :since AND o.placed_at < :until
)
SELECT 'revenue' AS figure, day, CAST(sum(amount) AS bigint) AS value FROM placed GROUP BY day
UNION ALL
SELECT 'orders', day, count(*) FROM placed WHERE lines_micros >= 0 GROUP BY day
UNION ALL
SELECT 'new_customers', p.day, count(DISTINCT p.customer_id) FROM placed p JOIN customer_facts f ON f.id = p.customer_id
WHERE f.first_order_at = p.placed_at GROUP BY p.day
UNION ALL
SELECT 'visits', CAST(v.began_at AT TIME ZONE :zone AS date), count(*) FROM visits v
WHERE v.began_at >= :since AND v.began_at < :until GROUP BY 2
UNION ALL
SELECT 'after_offers', CAST(s.bought_at AT TIME ZONE :zone AS date), CAST(round(sum(s.bought_micros) / :micros) AS bigint) FROM offers_shown s
WHERE s.bought_at >= :since AND s.bought_at < :until AND s.bought_currency = :currency GROUP BY 2
UNION ALL
SELECT 'after_mails', CAST(a.ordered_at AT TIME ZONE :zone AS date), CAST(sum(a.amount) AS bigint) FROM attributions a
WHERE a.ordered_at >= :since AND a.ordered_at < :until AND a.currency = :currency GROUP BY 2
