-- What was sold in all: lines, revenue, customers, orders, and how many customers ordered more than once.
WITH chosen AS (
  SELECT o.customer_id, CASE WHEN :cleaned THEN o.sold_count ELSE o.lines_count END AS lines,
         CASE WHEN :cleaned THEN o.sold_micros ELSE o.lines_micros END AS micros
  FROM orders o
  WHERE o.status = ANY(:counted) AND o.currency = :currency
    AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
    AND (CAST(:country AS text) IS NULL OR o.country = :country)
    AND CASE WHEN :cleaned THEN o.customer_id IS NOT NULL AND o.sold_count > 0 ELSE o.lines_count > 0 END
), per_customer AS (
  SELECT customer_id, count(*) AS orders FROM chosen WHERE customer_id IS NOT NULL GROUP BY customer_id
)
SELECT coalesce(sum(lines), 0) AS lines, coalesce(sum(micros), 0) AS revenue_micros, count(*) AS orders,
       (SELECT count(*) FROM per_customer) AS customers, (SELECT count(*) FROM per_customer WHERE orders > 1) AS repeat_customers
FROM chosen
