-- What was sold in each month, in the company's own zone.
SELECT CAST(date_trunc('month', o.placed_at AT TIME ZONE :zone) AS date) AS month,
       sum(CASE WHEN :cleaned THEN o.sold_micros ELSE o.lines_micros END) AS revenue_micros,
       count(*) AS orders, count(DISTINCT o.customer_id) AS customers
FROM orders o
WHERE o.status = ANY(:counted) AND o.currency = :currency
  AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
  AND (CAST(:country AS text) IS NULL OR o.country = :country)
  AND CASE WHEN :cleaned THEN o.customer_id IS NOT NULL AND o.sold_count > 0 ELSE o.lines_count > 0 END
GROUP BY 1 ORDER BY 1
