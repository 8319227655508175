-- The newest people who were shown a place, and how many of them clicked, and bought, in so many days.
WITH shown AS (
    SELECT visitor, customer_id, min(at) AS met_at, max(at) AS last_at, bool_or(clicked_at IS NOT NULL) AS clicked
    FROM (SELECT visitor, customer_id, at, clicked_at FROM offers_shown
        WHERE id >= :low AND slot = :slot AND visitor <> '' ORDER BY id DESC LIMIT 4 * :most) newest
    GROUP BY visitor, customer_id ORDER BY max(at) DESC LIMIT :most),
paid AS (
    SELECT s.visitor, s.customer_id, s.met_at, s.clicked,
        (SELECT coalesce(sum(greatest(o.total_amount - o.refunded_amount, 0)) FILTER (WHERE o.currency = :currency), 0) FROM orders o
            WHERE o.visitor = s.visitor AND o.visitor <> '' AND o.status = ANY(:counted)
                AND o.placed_at >= s.met_at AND o.placed_at < s.met_at + :days * interval '1 day') AS amount,
        EXISTS (SELECT FROM orders o WHERE o.visitor = s.visitor AND o.visitor <> '' AND o.status = ANY(:counted)
            AND o.placed_at >= s.met_at AND o.placed_at < s.met_at + :days * interval '1 day') AS bought
    FROM shown s)
SELECT count(*) AS people, extract(epoch FROM max(met_at) - min(met_at)) AS span, count(*) FILTER (WHERE clicked) AS clickers,
    count(*) FILTER (WHERE bought) AS buyers, coalesce(sum(amount), 0) AS amount, coalesce(sum(amount::numeric * amount), 0) AS squares
FROM paid
