-- The stretches in which one browser said the same of who it is, the latest first. A stretch also ends where somebody parted the
-- browser from a person (the cuts, in order), for only what came after that may count again.
WITH given AS (
    SELECT id, at, source_id, url, details -> 'identity' AS identity, width_bucket(at, CAST(:cuts AS timestamptz[])) AS era
    FROM shop_events
    WHERE visitor = :visitor AND type = 'identified'
), begun AS (
    SELECT *, (lag(identity) OVER w, lag(source_id) OVER w, lag(era) OVER w) IS DISTINCT FROM (identity, source_id, era) AS begins
    FROM given WINDOW w AS (ORDER BY at, id)
), numbered AS (
    SELECT *, count(*) FILTER (WHERE begins) OVER (ORDER BY at, id) AS stretch FROM begun
)
SELECT identity, source_id, min(at) AS at, max(at) AS last_at,
       CAST((array_agg(id ORDER BY at, id))[1] AS text) AS ref, coalesce((array_agg(url ORDER BY at, id))[1], '') AS url
FROM numbered
GROUP BY stretch, identity, source_id
HAVING max(at) >= :since
ORDER BY max(at) DESC
LIMIT 500
