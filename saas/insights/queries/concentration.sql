-- How much of the revenue the best part of the customers brings, for each of several parts.
WITH spent AS (
  SELECT o.customer_id, sum(CASE WHEN :cleaned THEN o.sold_micros ELSE o.lines_micros END) AS micros
  FROM orders o
  WHERE o.status = ANY(:counted) AND o.currency = :currency
    AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
    AND (CAST(:country AS text) IS NULL OR o.country = :country)
    AND CASE WHEN :cleaned THEN o.customer_id IS NOT NULL AND o.sold_count > 0 ELSE o.lines_count > 0 END
    AND o.customer_id IS NOT NULL
  GROUP BY o.customer_id
), ranked AS (
  SELECT micros, row_number() OVER (ORDER BY micros DESC) AS place, count(*) OVER () AS everyone FROM spent
)
SELECT share, coalesce(sum(micros) FILTER (WHERE place <= floor(everyone * share)), 0) AS top, coalesce(sum(micros), 0) AS whole,
       count(*) FILTER (WHERE place <= floor(everyone * share)) AS customers
FROM unnest(CAST(:shares AS numeric[])) AS share LEFT JOIN ranked ON true GROUP BY share ORDER BY share
