-- What was sold in each month of a zone, or in each day: from the sums of the days where they are kept, else from the orders.
WITH book AS MATERIALIZED (
  SELECT FROM day_books WHERE :aligned AND zone = :zone AND filled_at IS NOT NULL
), held AS (
  SELECT s.day, s.known_orders, s.known_lines, s.known_micros, s.all_orders, s.all_lines, s.all_micros FROM day_sums s
  WHERE EXISTS (SELECT FROM book) AND s.currency = :currency
    AND (CAST(:first AS date) IS NULL OR s.day >= :first) AND (CAST(:last AS date) IS NULL OR s.day < :last)
    AND (CAST(:country AS text) IS NULL OR s.country = :country)
  UNION ALL
  SELECT CAST(c.at AT TIME ZONE :zone AS date), c.known_orders, c.known_lines, c.known_micros, c.all_orders, c.all_lines, c.all_micros
  FROM day_changes c
  WHERE EXISTS (SELECT FROM book) AND c.currency = :currency
    AND (CAST(:since AS timestamptz) IS NULL OR c.at >= :since) AND (CAST(:until AS timestamptz) IS NULL OR c.at < :until)
    AND (CAST(:country AS text) IS NULL OR c.country = :country)
  UNION ALL
  SELECT CAST(o.placed_at AT TIME ZONE :zone AS date), 1, o.sold_count, o.sold_micros, 1, o.lines_count, o.lines_micros
  FROM orders o
  WHERE NOT EXISTS (SELECT FROM book) AND o.status = ANY(:counted) AND o.currency = :currency
    AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
    AND (CAST(:country AS text) IS NULL OR o.country = :country)
    AND CASE WHEN :cleaned THEN o.customer_id IS NOT NULL AND o.sold_count > 0 ELSE o.lines_count > 0 END
)
SELECT CAST(date_trunc(:step, CAST(day AS timestamp)) AS date) AS began,
       sum(CASE WHEN :cleaned THEN known_orders ELSE all_orders END) AS orders,
       sum(CASE WHEN :cleaned THEN known_lines ELSE all_lines END) AS lines,
       sum(CASE WHEN :cleaned THEN known_micros ELSE all_micros END) AS revenue_micros
FROM held GROUP BY 1 HAVING sum(CASE WHEN :cleaned THEN known_orders ELSE all_orders END) > 0 ORDER BY 1
