-- Cuts one browser's events of a window into visits: a pause of 30 minutes or more begins a new one.
-- The window is given twice, as moments and as ids, so that only the months it lies in are read. After each of the
-- cuts, where the browser went from one person to another, another visit begins too.
WITH told AS (
    SELECT id, at, type, product, url, source_id, details ->> 'referrer' AS referrer,
           width_bucket(at - interval '1 microsecond', CAST(:cuts AS timestamptz[])) AS part
    FROM shop_events
    WHERE visitor = :visitor AND id >= :low AND id < :high AND at BETWEEN :since AND :until
), seen AS (
    SELECT *, coalesce(at - lag(at) OVER w >= interval '30 minutes' OR part <> lag(part) OVER w, true) AS begins
    FROM told WINDOW w AS (ORDER BY at, id)
), numbered AS (
    SELECT *, count(*) FILTER (WHERE begins) OVER (ORDER BY at, id) AS visit FROM seen
), looked AS (
    SELECT visit, (array_agg(product ORDER BY first_at, product))[1:50] AS products
    FROM (SELECT visit, product, min(at) AS first_at FROM numbered WHERE type = 'product_viewed' GROUP BY visit, product) AS each_one
    GROUP BY visit
)
SELECT min(at) AS began_at, max(at) AS ended_at, count(*) AS events_count,
       count(*) FILTER (WHERE type = 'product_viewed') AS views_count,
       (array_agg(source_id) FILTER (WHERE begins))[1] AS source_id,
       coalesce(max(referrer) FILTER (WHERE begins), '') AS referrer,
       coalesce(max(url) FILTER (WHERE begins), '') AS landing,
       coalesce(looked.products, '{}') AS products
FROM numbered LEFT JOIN looked USING (visit)
GROUP BY visit, looked.products
ORDER BY began_at
