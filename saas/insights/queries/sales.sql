-- What was sold in all: lines, revenue, customers, orders, products, and how many customers ordered more than once.
WITH lines AS (
  SELECT o.customer_id, o.id AS order_id, l.product_key, l.line_micros
  FROM order_lines l JOIN orders o ON o.tenant_id = l.tenant_id AND o.id = l.order_id
  WHERE (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
  AND (CAST(:country AS text) IS NULL OR o.country = :country)
  AND (NOT :cleaned OR (o.customer_id IS NOT NULL AND l.quantity > 0 AND l.unit_micros > 0))
), per_customer AS (
  SELECT customer_id, count(DISTINCT order_id) AS orders FROM lines WHERE customer_id IS NOT NULL GROUP BY customer_id
)
SELECT count(*) AS lines, coalesce(sum(line_micros), 0) AS revenue_micros, count(DISTINCT order_id) AS orders,
       count(DISTINCT product_key) AS products, (SELECT count(*) FROM per_customer) AS customers,
       (SELECT count(*) FROM per_customer WHERE orders > 1) AS repeat_customers
FROM lines
