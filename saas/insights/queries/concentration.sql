-- How much of the revenue the best part of the customers brings.
WITH spent AS (
  SELECT o.customer_id, sum(l.line_micros) AS micros
  FROM order_lines l JOIN orders o ON o.tenant_id = l.tenant_id AND o.id = l.order_id
  WHERE (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
  AND (CAST(:country AS text) IS NULL OR o.country = :country)
  AND (NOT :cleaned OR (o.customer_id IS NOT NULL AND l.quantity > 0 AND l.unit_micros > 0)) AND o.customer_id IS NOT NULL
  GROUP BY o.customer_id
), ranked AS (
  SELECT micros, row_number() OVER (ORDER BY micros DESC) AS place, count(*) OVER () AS everyone FROM spent
)
SELECT coalesce(sum(micros) FILTER (WHERE place <= floor(everyone * CAST(:share AS numeric))), 0) AS top, coalesce(sum(micros), 0) AS whole FROM ranked
