-- In how many orders there is the first product, the second, and both: guests' orders too, returned lines not.
WITH lines AS (
  SELECT DISTINCT o.id AS order_id, l.product_key
  FROM order_lines l JOIN orders o ON o.tenant_id = l.tenant_id AND o.id = l.order_id
  WHERE l.quantity > 0
    AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
    AND (CAST(:country AS text) IS NULL OR o.country = :country)
), marked AS (
  SELECT order_id, bool_or(product_key = :first) AS a, bool_or(product_key = :second) AS b FROM lines GROUP BY order_id
)
SELECT count(*), count(*) FILTER (WHERE a), count(*) FILTER (WHERE b), count(*) FILTER (WHERE a AND b) FROM marked
