-- The newest state of each cart that one browser told of in a window, with when it was first told and when checkout began.
WITH told AS (
    SELECT id, at, type, source_id, coalesce(details #>> '{cart,id}', '') AS key, details -> 'cart' AS cart
    FROM shop_events
    WHERE visitor = :visitor AND id >= :low AND id < :high AND at BETWEEN :since AND :until
      AND type IN ('cart_updated', 'checkout_started')
), spans AS (
    SELECT source_id, key, min(at) AS began_at, max(at) FILTER (WHERE type = 'checkout_started') AS checkout_at
    FROM told GROUP BY source_id, key
), newest AS (
    SELECT DISTINCT ON (source_id, key) source_id, key, id, at, cart FROM told ORDER BY source_id, key, at DESC, id DESC
)
SELECT newest.*, spans.began_at, spans.checkout_at
FROM newest JOIN spans USING (source_id, key)
ORDER BY newest.at DESC LIMIT 100
