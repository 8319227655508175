-- Keeps offers that were shown, each once, and counts the new ones by day, place, algorithm and rule, and by version. What they speak of may be gone by now.
WITH fresh AS (
    INSERT INTO offers_shown (tenant_id, id, request_id, at, slot, position, visitor, customer_id, source_id, product_id, product_key,
        reason_code, reason_text, algorithm, rule_id, model_version, trial_id, arm, bought_after, bought_micros, bought_currency)
    SELECT :tenant, r.id, r.request_id, r.at, r.slot, r.position, r.visitor,
        (SELECT c.id FROM customers c WHERE c.id = r.customer_id), r.source_id,
        (SELECT p.id FROM products p WHERE p.id = r.product_id), r.product_key, r.reason_code, r.reason_text, r.algorithm,
        r.rule_id, r.model_version, r.trial_id, r.arm, '', 0, ''
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (id uuid, request_id uuid, at timestamptz, slot text, position int, visitor text,
        customer_id uuid, source_id uuid, product_id uuid, product_key text, reason_code text, reason_text text, algorithm text,
        rule_id uuid, model_version text, trial_id uuid, arm text)
    ORDER BY r.id
    ON CONFLICT DO NOTHING
    RETURNING slot, position, algorithm, model_version, coalesce(rule_id, CAST(:no_rule AS uuid)) AS rule_id, (at AT TIME ZONE 'UTC')::date AS day),
by_version AS (
    INSERT INTO offer_version_counts AS v (tenant_id, id, day, algorithm, model_version, requests, shown, seen, clicked, carted)
    SELECT :tenant, gen_random_uuid(), day, algorithm, model_version, count(*) FILTER (WHERE position = 1), count(*), 0, 0, 0
    FROM fresh GROUP BY day, algorithm, model_version ORDER BY day, algorithm, model_version
    ON CONFLICT (tenant_id, day, algorithm, model_version) DO UPDATE SET requests = v.requests + excluded.requests, shown = v.shown + excluded.shown)
INSERT INTO offer_counts AS c (tenant_id, id, day, slot, algorithm, rule_id, requests, shown, seen, clicked)
SELECT :tenant, gen_random_uuid(), day, slot, algorithm, rule_id, count(*) FILTER (WHERE position = 1), count(*), 0, 0
FROM fresh GROUP BY day, slot, algorithm, rule_id ORDER BY day, slot, algorithm, rule_id
ON CONFLICT (tenant_id, day, slot, algorithm, rule_id) DO UPDATE SET requests = c.requests + excluded.requests, shown = c.shown + excluded.shown
