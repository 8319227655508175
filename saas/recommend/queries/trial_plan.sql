-- The newest people who were shown a place, and how many of them clicked, and bought, in so many days.
WITH shown AS (
    SELECT visitor, customer_id, min(at) AS met_at, max(at) AS last_at, bool_or(clicked_at IS NOT NULL) AS clicked
    FROM (SELECT visitor, customer_id, at, clicked_at FROM offers_shown
        WHERE id >= :low AND slot = :slot AND (visitor <> '' OR customer_id IS NOT NULL) ORDER BY id DESC LIMIT 4 * :most) newest
    GROUP BY visitor, customer_id ORDER BY max(at) DESC LIMIT :most),
paid AS (
    SELECT s.met_at, s.clicked, coalesce(theirs.amount, 0) AS amount, theirs.orders > 0 AS bought
    FROM shown s CROSS JOIN LATERAL (
        SELECT count(*) AS orders, sum(greatest(o.total_amount - o.refunded_amount, 0)) FILTER (WHERE o.currency = :currency) AS amount
        FROM (
            SELECT total_amount, refunded_amount, currency FROM orders
            WHERE visitor = s.visitor AND visitor <> '' AND status = ANY(:counted)
                AND placed_at >= s.met_at AND placed_at < s.met_at + :days * interval '1 day'
            UNION ALL
            SELECT total_amount, refunded_amount, currency FROM orders
            WHERE s.visitor = '' AND customer_id = s.customer_id AND status = ANY(:counted)
                AND placed_at >= s.met_at AND placed_at < s.met_at + :days * interval '1 day') o) theirs)
SELECT count(*) AS people, extract(epoch FROM max(met_at) - min(met_at)) AS span, count(*) FILTER (WHERE clicked) AS clickers,
    count(*) FILTER (WHERE bought) AS buyers, coalesce(sum(amount), 0) AS amount, coalesce(sum(amount::numeric * amount), 0) AS squares
FROM paid
