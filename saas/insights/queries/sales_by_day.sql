-- What was sold in each day, in the company's own zone.
SELECT CAST(date_trunc('day', o.placed_at AT TIME ZONE :zone) AS date) AS day, sum(l.line_micros) AS revenue_micros,
       count(DISTINCT o.id) AS orders, count(DISTINCT o.customer_id) AS customers
FROM order_lines l JOIN orders o ON o.tenant_id = l.tenant_id AND o.id = l.order_id
WHERE (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
  AND (CAST(:country AS text) IS NULL OR o.country = :country)
  AND (NOT :cleaned OR (o.customer_id IS NOT NULL AND l.quantity > 0 AND l.unit_micros > 0))
GROUP BY 1 ORDER BY 1
