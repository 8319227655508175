-- The identities one browser ever gave, the latest first, each with when it was last given.
SELECT details -> 'identity' AS identity, source_id, max(at) AS at, max(at) >= :since AS fresh
FROM shop_events
WHERE visitor = :visitor AND type = 'identified'
GROUP BY details -> 'identity', source_id
ORDER BY at DESC LIMIT 20
