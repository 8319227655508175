-- Pairs among the products sold most often, those first that meet most beyond chance: guests' orders too, returned lines not.
-- Pairs are made order by order and not by a join, which without fresh statistics could be planned as one of all with all.
WITH common AS MATERIALIZED (
  SELECT l.product_key
  FROM order_lines l JOIN orders o ON o.tenant_id = l.tenant_id AND o.id = l.order_id
  WHERE o.status = ANY(:counted) AND o.currency = :currency
    AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
    AND (CAST(:country AS text) IS NULL OR o.country = :country)
    AND l.quantity > 0 AND l.product_key <> ''
  GROUP BY l.product_key ORDER BY count(*) DESC, l.product_key LIMIT :looked_at
), baskets AS MATERIALIZED (
  SELECT array_agg(DISTINCT l.product_key) AS keys
  FROM common c JOIN order_lines l ON l.product_key = c.product_key JOIN orders o ON o.tenant_id = l.tenant_id AND o.id = l.order_id
  WHERE o.status = ANY(:counted) AND o.currency = :currency
    AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
    AND (CAST(:country AS text) IS NULL OR o.country = :country)
    AND l.quantity > 0
  GROUP BY l.order_id
), whole AS MATERIALIZED (
  SELECT count(*) AS orders FROM orders o
  WHERE o.status = ANY(:counted) AND o.currency = :currency
    AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
    AND (CAST(:country AS text) IS NULL OR o.country = :country)
    AND EXISTS (SELECT 1 FROM order_lines l WHERE l.tenant_id = o.tenant_id AND l.order_id = o.id AND l.quantity > 0)
), sold AS MATERIALIZED (
  SELECT key, count(*) AS orders FROM baskets, unnest(keys) AS key GROUP BY key
), pairs AS MATERIALIZED (
  SELECT x AS first, y AS second, count(*) AS together FROM baskets, unnest(keys) AS x, unnest(keys) AS y
  WHERE y > x AND cardinality(keys) > 1 GROUP BY x, y HAVING count(*) >= :fewest
)
SELECT p.first, p.second, whole.orders, a.orders AS with_first, b.orders AS with_second, p.together
FROM pairs p JOIN sold a ON a.key = p.first JOIN sold b ON b.key = p.second CROSS JOIN whole
WHERE p.together * whole.orders > a.orders * b.orders
ORDER BY p.together * whole.orders - a.orders * b.orders DESC, p.first, p.second LIMIT :most
