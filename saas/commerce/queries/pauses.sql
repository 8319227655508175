-- When carts of some browsers were last left alone for an hour before they were taken up again.
SELECT visitor, source_id, key, max(before) AS left_at
FROM (
    SELECT visitor, source_id, coalesce(details #>> '{cart,id}', '') AS key, at,
           lag(at) OVER (PARTITION BY visitor, source_id, coalesce(details #>> '{cart,id}', '') ORDER BY at, id) AS before
    FROM shop_events
    WHERE visitor = ANY(:visitors) AND id >= :low AND type IN ('cart_updated', 'checkout_started')
) AS told
WHERE at - before >= interval '1 hour'
GROUP BY visitor, source_id, key
