-- Keeps offers that were shown, each once, and counts the new ones by day and place. What they speak of may be gone by now.
WITH fresh AS (
    INSERT INTO offers_shown (tenant_id, id, request_id, at, slot, position, visitor, customer_id, source_id, product_id, product_key,
        reason_code, reason_text, algorithm, bought_after, bought_micros, bought_currency)
    SELECT :tenant, r.id, r.request_id, r.at, r.slot, r.position, r.visitor,
        (SELECT c.id FROM customers c WHERE c.id = r.customer_id), r.source_id,
        (SELECT p.id FROM products p WHERE p.id = r.product_id), r.product_key, r.reason_code, r.reason_text, r.algorithm, '', 0, ''
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (id uuid, request_id uuid, at timestamptz, slot text, position int, visitor text,
        customer_id uuid, source_id uuid, product_id uuid, product_key text, reason_code text, reason_text text, algorithm text)
    ORDER BY r.id
    ON CONFLICT DO NOTHING
    RETURNING request_id, slot, (at AT TIME ZONE 'UTC')::date AS day)
INSERT INTO offer_counts AS c (tenant_id, id, day, slot, requests, shown, seen, clicked)
SELECT :tenant, gen_random_uuid(), day, slot, count(DISTINCT request_id), count(*), 0, 0 FROM fresh GROUP BY day, slot ORDER BY day, slot
ON CONFLICT (tenant_id, day, slot) DO UPDATE SET requests = c.requests + excluded.requests, shown = c.shown + excluded.shown
