-- The countries that orders came from, those with most orders first: from the sums of the days where they are kept.
WITH book AS MATERIALIZED (
  SELECT FROM day_books WHERE filled_at IS NOT NULL
)
SELECT country FROM (
  SELECT s.country, s.all_orders AS orders FROM day_sums s WHERE EXISTS (SELECT FROM book) AND s.country <> ''
  UNION ALL
  SELECT c.country, c.all_orders FROM day_changes c WHERE EXISTS (SELECT FROM book) AND c.country <> ''
  UNION ALL
  SELECT o.country, 1 FROM orders o
  WHERE NOT EXISTS (SELECT FROM book) AND o.country <> '' AND o.status = ANY(:counted) AND o.lines_count > 0
) parts GROUP BY country HAVING sum(orders) > 0 ORDER BY sum(orders) DESC, country LIMIT :most
