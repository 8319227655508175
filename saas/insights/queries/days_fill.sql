-- All sums of a company anew. One statement sees one moment: what had been noted by then is taken out and is among what is
-- summed; what is not committed yet stays noted and counts when it is.
WITH noted AS (
  DELETE FROM day_changes RETURNING 1
), parts AS (
  SELECT CAST(o.placed_at AT TIME ZONE :zone AS date) AS day, o.currency, o.country,
         count(*) FILTER (WHERE o.lines_micros >= 0) AS orders, sum(CAST(o.total_amount AS numeric) - o.refunded_amount) AS paid_amount,
         0 AS first_orders, 0 AS visits,
         count(*) FILTER (WHERE o.customer_id IS NOT NULL AND o.sold_count > 0) AS known_orders,
         sum(o.sold_count) FILTER (WHERE o.customer_id IS NOT NULL AND o.sold_count > 0) AS known_lines,
         sum(o.sold_micros) FILTER (WHERE o.customer_id IS NOT NULL AND o.sold_count > 0) AS known_micros,
         count(*) FILTER (WHERE o.lines_count > 0) AS all_orders,
         sum(o.lines_count) FILTER (WHERE o.lines_count > 0) AS all_lines,
         sum(o.lines_micros) FILTER (WHERE o.lines_count > 0) AS all_micros
  FROM orders o WHERE o.status = ANY(:counted) GROUP BY 1, 2, 3
  UNION ALL
  SELECT CAST(f.first_order_at AT TIME ZONE :zone AS date), '', '', 0, 0, count(*), 0, 0, 0, 0, 0, 0, 0
  FROM customer_facts f WHERE f.first_order_at IS NOT NULL GROUP BY 1
  UNION ALL
  SELECT CAST(v.began_at AT TIME ZONE :zone AS date), '', '', 0, 0, 0, count(*), 0, 0, 0, 0, 0, 0 FROM visits v GROUP BY 1
)
INSERT INTO day_sums (tenant_id, id, day, currency, country, orders, paid_amount, first_orders, visits, known_orders, known_lines,
                      known_micros, all_orders, all_lines, all_micros)
SELECT :tenant, gen_random_uuid(), day, currency, country, sum(orders), sum(paid_amount), sum(first_orders), sum(visits),
       sum(known_orders), coalesce(sum(known_lines), 0), coalesce(sum(known_micros), 0),
       sum(all_orders), coalesce(sum(all_lines), 0), coalesce(sum(all_micros), 0)
FROM parts GROUP BY day, currency, country
