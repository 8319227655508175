-- In how many orders there is the first product, the second, and both: guests' orders too, returned lines not.
WITH chosen AS (
  SELECT o.tenant_id, o.id FROM orders o
  WHERE o.status = ANY(:counted) AND o.currency = :currency
    AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
    AND (CAST(:country AS text) IS NULL OR o.country = :country)
), a AS (
  SELECT DISTINCT l.order_id FROM order_lines l JOIN chosen c ON c.tenant_id = l.tenant_id AND c.id = l.order_id
  WHERE l.product_key = :first AND l.quantity > 0
), b AS (
  SELECT DISTINCT l.order_id FROM order_lines l JOIN chosen c ON c.tenant_id = l.tenant_id AND c.id = l.order_id
  WHERE l.product_key = :second AND l.quantity > 0
)
SELECT (SELECT count(*) FROM chosen c WHERE EXISTS (
          SELECT 1 FROM order_lines l WHERE l.tenant_id = c.tenant_id AND l.order_id = c.id AND l.quantity > 0)),
       (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT count(*) FROM a JOIN b USING (order_id))
