-- The products that brought most; their names and orders are read only for these.
WITH best AS MATERIALIZED (
  SELECT l.product_key, sum(l.quantity) AS quantity, sum(l.line_micros) AS revenue_micros
  FROM order_lines l JOIN orders o ON o.tenant_id = l.tenant_id AND o.id = l.order_id
  WHERE o.status = ANY(:counted) AND o.currency = :currency
    AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
    AND (CAST(:country AS text) IS NULL OR o.country = :country)
    AND (NOT :cleaned OR (o.customer_id IS NOT NULL AND l.quantity > 0 AND l.unit_micros > 0))
  GROUP BY l.product_key ORDER BY sum(l.line_micros) DESC, l.product_key LIMIT :most
)
SELECT b.product_key AS key, max(l.name) AS name, CAST(max(CAST(l.product_id AS text)) AS uuid) AS product_id, b.quantity, b.revenue_micros,
       count(DISTINCT o.id) AS orders
FROM best b JOIN order_lines l ON l.product_key = b.product_key JOIN orders o ON o.tenant_id = l.tenant_id AND o.id = l.order_id
WHERE o.status = ANY(:counted) AND o.currency = :currency
  AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
  AND (CAST(:country AS text) IS NULL OR o.country = :country)
  AND (NOT :cleaned OR (o.customer_id IS NOT NULL AND l.quantity > 0 AND l.unit_micros > 0))
GROUP BY b.product_key, b.quantity, b.revenue_micros ORDER BY b.revenue_micros DESC, b.product_key
