-- Finds for each product of these orders the offer it followed from: shown to the same browser or customer at most :days days
-- before, and clicked or at least seen by then. A clicked one wins over a seen one, then the newest.
WITH bought AS (
    SELECT o.id AS order_id, o.visitor, o.customer_id, o.placed_at, o.currency, l.product_id, sum(l.line_micros) AS micros
    FROM orders o JOIN order_lines l ON l.tenant_id = o.tenant_id AND l.order_id = o.id
    WHERE o.id = ANY(:order_ids) AND o.status = ANY(:counted) AND l.product_id IS NOT NULL
    GROUP BY o.id, o.visitor, o.customer_id, o.placed_at, o.currency, l.product_id
    HAVING sum(l.quantity) > 0),
people AS (
    SELECT DISTINCT order_id, visitor FROM bought WHERE visitor <> ''
    UNION
    SELECT DISTINCT b.order_id, i.value FROM bought b JOIN customer_identities i ON i.customer_id = b.customer_id AND i.kind = 'visitor'),
shown AS (
    SELECT b.*, s.id AS offer_id, s.at, s.seen_at, s.clicked_at FROM bought b
    JOIN people p ON p.order_id = b.order_id
    JOIN offers_shown s ON s.visitor = p.visitor AND s.product_id = b.product_id
    WHERE s.id >= :low AND s.at BETWEEN b.placed_at - :days * interval '1 day' AND b.placed_at + :slack * interval '1 second'
        AND (s.bought_order_id IS NULL OR s.bought_order_id = ANY(:order_ids))
    UNION
    SELECT b.*, s.id, s.at, s.seen_at, s.clicked_at FROM bought b
    JOIN offers_shown s ON s.customer_id = b.customer_id AND s.product_id = b.product_id
    WHERE s.id >= :low AND s.at BETWEEN b.placed_at - :days * interval '1 day' AND b.placed_at + :slack * interval '1 second'
        AND (s.bought_order_id IS NULL OR s.bought_order_id = ANY(:order_ids)))
SELECT DISTINCT ON (order_id, product_id) order_id, offer_id, placed_at, micros, currency,
    CASE WHEN clicked_at <= placed_at + :slack * interval '1 second' THEN 'clicked' ELSE 'seen' END AS after
FROM shown
WHERE seen_at <= placed_at + :slack * interval '1 second'
ORDER BY order_id, product_id, coalesce(clicked_at <= placed_at + :slack * interval '1 second', false) DESC, at DESC
