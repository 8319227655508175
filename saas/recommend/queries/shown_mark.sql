-- Marks offers as seen and clicked from what their own visitors' browsers told, each once, and counts the news by day, place, algorithm and rule.
WITH told AS (
    SELECT r.offer, r.visitor, min(r.at) AS seen, min(r.at) FILTER (WHERE r.clicked) AS clicked
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (offer uuid, visitor text, at timestamptz, clicked boolean)
    GROUP BY r.offer, r.visitor),
held AS (
    SELECT o.id, o.seen_at IS NULL AS fresh_seen, o.clicked_at IS NULL AND told.clicked IS NOT NULL AS fresh_clicked, told.seen, told.clicked
    FROM offers_shown o JOIN told ON o.id = told.offer AND o.visitor = told.visitor
    WHERE o.id >= :low AND (o.seen_at IS NULL OR (o.clicked_at IS NULL AND told.clicked IS NOT NULL))
    ORDER BY o.id FOR UPDATE OF o),
marked AS (
    UPDATE offers_shown o SET seen_at = coalesce(o.seen_at, held.seen), clicked_at = coalesce(o.clicked_at, held.clicked)
    FROM held WHERE o.id = held.id AND o.id >= :low
    RETURNING o.slot, o.algorithm, o.model_version, coalesce(o.rule_id, CAST(:no_rule AS uuid)) AS rule_id, (o.at AT TIME ZONE 'UTC')::date AS day,
        held.fresh_seen, held.fresh_clicked),
by_version AS (
    INSERT INTO offer_version_counts AS v (tenant_id, id, day, algorithm, model_version, requests, shown, seen, clicked, carted)
    SELECT :tenant, gen_random_uuid(), day, algorithm, model_version, 0, 0, count(*) FILTER (WHERE fresh_seen), count(*) FILTER (WHERE fresh_clicked), 0
    FROM marked GROUP BY day, algorithm, model_version ORDER BY day, algorithm, model_version
    ON CONFLICT (tenant_id, day, algorithm, model_version) DO UPDATE SET seen = v.seen + excluded.seen, clicked = v.clicked + excluded.clicked)
INSERT INTO offer_counts AS c (tenant_id, id, day, slot, algorithm, rule_id, requests, shown, seen, clicked)
SELECT :tenant, gen_random_uuid(), day, slot, algorithm, rule_id, 0, 0, count(*) FILTER (WHERE fresh_seen), count(*) FILTER (WHERE fresh_clicked)
FROM marked GROUP BY day, slot, algorithm, rule_id ORDER BY day, slot, algorithm, rule_id
ON CONFLICT (tenant_id, day, slot, algorithm, rule_id) DO UPDATE SET seen = c.seen + excluded.seen, clicked = c.clicked + excluded.clicked
