-- In how many orders there is the first product, the second, and both: guests' orders too, returned lines not.
WITH found AS MATERIALIZED (
  SELECT l.order_id, bool_or(l.product_key = :first) AS a, bool_or(l.product_key = :second) AS b
  FROM order_lines l JOIN orders o ON o.tenant_id = l.tenant_id AND o.id = l.order_id
  WHERE o.status = ANY(:counted) AND o.currency = :currency
    AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
    AND (CAST(:country AS text) IS NULL OR o.country = :country)
    AND l.product_key IN (:first, :second) AND l.quantity > 0
  GROUP BY l.order_id
), whole AS (
  SELECT count(*) AS orders FROM orders o
  WHERE o.status = ANY(:counted) AND o.currency = :currency
    AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
    AND (CAST(:country AS text) IS NULL OR o.country = :country)
    AND EXISTS (SELECT 1 FROM order_lines l WHERE l.tenant_id = o.tenant_id AND l.order_id = o.id AND l.quantity > 0)
)
SELECT max(whole.orders) AS orders, count(*) FILTER (WHERE a) AS with_first, count(*) FILTER (WHERE b) AS with_second,
       count(*) FILTER (WHERE a AND b) AS together
FROM whole LEFT JOIN found ON true
