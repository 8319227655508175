-- Marks offers whose product these browsers put into a cart after the offer was seen, in them, in another browser of the same
-- customer or in a mail to them: each putting counts for one offer, a clicked one before a seen one, then the newest. Counts the news like shown_mark.
WITH told AS (
    SELECT visitor, source_id, at, details #> '{cart,items}' AS items,
        lag(details #> '{cart,items}') OVER (PARTITION BY visitor, source_id, coalesce(details #>> '{cart,id}', '') ORDER BY at, id) AS before
    FROM shop_events
    WHERE visitor = ANY(:visitors) AND id >= :low AND type IN ('cart_updated', 'checkout_started')),
put AS (
    SELECT DISTINCT told.visitor, told.source_id, item ->> 'product' AS product, told.at
    FROM told CROSS JOIN LATERAL jsonb_array_elements(told.items) AS item
    WHERE item ->> 'quantity' <> '0' AND NOT EXISTS (
        SELECT FROM jsonb_array_elements(told.before) AS held WHERE held ->> 'product' = item ->> 'product' AND held ->> 'quantity' <> '0')),
same AS (
    SELECT one AS visitor, one AS also FROM unnest(CAST(:visitors AS text[])) AS one
    UNION
    SELECT mine.value, other.value FROM customer_identities mine
    JOIN customer_identities other ON other.customer_id = mine.customer_id AND other.kind = 'visitor' AND other.proven
    WHERE mine.kind = 'visitor' AND mine.proven AND mine.value = ANY(:visitors)),
followed AS (
    SELECT put.visitor, put.source_id, put.product, put.at, o.id, o.at AS shown_at, o.seen_at, o.clicked_at
    FROM put JOIN same ON same.visitor = put.visitor
    JOIN offers_shown o ON o.visitor = same.also AND o.product_key = put.product AND o.source_id IN (put.source_id, CAST(:no_rule AS uuid))
    WHERE o.id >= :low
    UNION ALL
    SELECT put.visitor, put.source_id, put.product, put.at, o.id, o.at, o.seen_at, o.clicked_at
    FROM put JOIN customer_identities i ON i.kind = 'visitor' AND i.proven AND i.value = put.visitor
    JOIN offers_shown o ON o.customer_id = i.customer_id AND o.visitor = '' AND o.product_key = put.product
        AND o.source_id IN (put.source_id, CAST(:no_rule AS uuid))
    WHERE o.id >= :low),
won AS (
    SELECT DISTINCT ON (visitor, source_id, product, at) id, at
    FROM followed
    WHERE seen_at <= at + :slack * interval '1 second'
        AND shown_at BETWEEN at - :days * interval '1 day' AND at + :slack * interval '1 second'
    ORDER BY visitor, source_id, product, at, coalesce(clicked_at <= at + :slack * interval '1 second', false) DESC, shown_at DESC, id),
held AS (
    SELECT o.id, (SELECT min(won.at) FROM won WHERE won.id = o.id) AS at FROM offers_shown o
    WHERE o.id >= :low AND o.carted_at IS NULL AND o.id IN (SELECT won.id FROM won) ORDER BY o.id FOR UPDATE OF o),
marked AS (
    UPDATE offers_shown o SET carted_at = held.at FROM held WHERE o.id = held.id AND o.id >= :low
    RETURNING o.slot, o.algorithm, o.model_version, coalesce(o.rule_id, CAST(:no_rule AS uuid)) AS rule_id, (o.at AT TIME ZONE 'UTC')::date AS day),
by_version AS (
    INSERT INTO offer_version_counts AS v (tenant_id, id, day, algorithm, model_version, requests, shown, seen, clicked, carted)
    SELECT :tenant, gen_random_uuid(), day, algorithm, model_version, 0, 0, 0, 0, count(*)
    FROM marked GROUP BY day, algorithm, model_version ORDER BY day, algorithm, model_version
    ON CONFLICT (tenant_id, day, algorithm, model_version) DO UPDATE SET carted = v.carted + excluded.carted)
INSERT INTO offer_counts AS c (tenant_id, id, day, slot, algorithm, rule_id, requests, shown, seen, clicked, carted)
SELECT :tenant, gen_random_uuid(), day, slot, algorithm, rule_id, 0, 0, 0, 0, count(*)
FROM marked GROUP BY day, slot, algorithm, rule_id ORDER BY day, slot, algorithm, rule_id
ON CONFLICT (tenant_id, day, slot, algorithm, rule_id) DO UPDATE SET carted = c.carted + excluded.carted
