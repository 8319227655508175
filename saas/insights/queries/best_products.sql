-- The products that brought most.
SELECT l.product_key AS key, max(l.name) AS name, sum(l.quantity) AS quantity, sum(l.line_micros) AS revenue_micros, count(DISTINCT o.id) AS orders
FROM order_lines l JOIN orders o ON o.tenant_id = l.tenant_id AND o.id = l.order_id
WHERE (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
  AND (CAST(:country AS text) IS NULL OR o.country = :country)
  AND (NOT :cleaned OR (o.customer_id IS NOT NULL AND l.quantity > 0 AND l.unit_micros > 0))
GROUP BY l.product_key ORDER BY sum(l.line_micros) DESC, l.product_key LIMIT :most
