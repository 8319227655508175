-- Customers by the month of their first order, and how many of them ordered so many months later.
WITH months AS (
  SELECT DISTINCT o.customer_id, CAST(date_trunc('month', o.placed_at AT TIME ZONE :zone) AS date) AS month
  FROM orders o
  WHERE o.status = ANY(:counted) AND o.currency = :currency
    AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
    AND (CAST(:country AS text) IS NULL OR o.country = :country)
    AND CASE WHEN :cleaned THEN o.customer_id IS NOT NULL AND o.sold_count > 0 ELSE o.lines_count > 0 END
    AND o.customer_id IS NOT NULL
), placed AS (
  SELECT month, min(month) OVER (PARTITION BY customer_id) AS began FROM months
)
SELECT began, CAST((extract(year FROM month) - extract(year FROM began)) * 12 + extract(month FROM month) - extract(month FROM began) AS int) AS distance,
       count(*) AS customers FROM placed GROUP BY 1, 2 ORDER BY 1, 2
