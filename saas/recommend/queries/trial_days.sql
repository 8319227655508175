-- What the people of a trial did in their days, by arm and day. All browsers of a customer are one person, whose arm is the one they
-- were given first. What was bought counts whether or not it was offered: an arm may also sell what would have been bought anyway.
WITH met AS MATERIALIZED (
    SELECT p.arm, p.met_at, p.visitor, coalesce(p.customer_id, (SELECT i.customer_id FROM customer_identities i
        WHERE i.kind = 'visitor' AND i.proven AND i.value = p.visitor AND p.visitor <> '' ORDER BY i.created_at LIMIT 1)) AS customer_id
    FROM offer_trial_people p WHERE p.trial_id = :trial),
people AS MATERIALIZED (
    SELECT DISTINCT ON (coalesce(customer_id::text, visitor)) coalesce(customer_id::text, visitor) AS person, arm, met_at, customer_id,
        met_at + :days * interval '1 day' AS until
    FROM met ORDER BY coalesce(customer_id::text, visitor), met_at),
names AS MATERIALIZED (
    SELECT coalesce(customer_id::text, visitor) AS person, visitor FROM met WHERE visitor <> ''
    UNION
    SELECT p.person, i.value FROM people p JOIN customer_identities i ON i.customer_id = p.customer_id AND i.kind = 'visitor' AND i.proven),
orders_of AS MATERIALIZED (
    SELECT p.person, o.id, o.placed_at, o.currency, greatest(o.total_amount - o.refunded_amount, 0) AS amount
    FROM people p JOIN orders o ON o.customer_id = p.customer_id
    WHERE o.status = ANY(:counted) AND o.placed_at >= p.met_at AND o.placed_at < p.until
    UNION
    SELECT p.person, o.id, o.placed_at, o.currency, greatest(o.total_amount - o.refunded_amount, 0)
    FROM people p JOIN names n ON n.person = p.person JOIN orders o ON o.visitor = n.visitor AND o.visitor <> ''
    WHERE o.status = ANY(:counted) AND o.placed_at >= p.met_at AND o.placed_at < p.until),
bought AS (
    SELECT person, min(placed_at) AS at, coalesce(sum(amount) FILTER (WHERE currency = :currency), 0) AS amount FROM orders_of GROUP BY person),
clicked AS (
    SELECT person, min(at) AS at FROM (
        SELECT p.person, s.clicked_at AS at
        FROM offers_shown s JOIN names n ON n.visitor = s.visitor JOIN people p ON p.person = n.person
        WHERE s.trial_id = :trial AND s.seen_at IS NOT NULL AND s.clicked_at >= p.met_at - interval '5 minutes' AND s.clicked_at < p.until
        UNION ALL
        SELECT p.person, s.clicked_at FROM offers_shown s JOIN people p ON p.customer_id = s.customer_id
        WHERE s.trial_id = :trial AND s.seen_at IS NOT NULL AND s.visitor = ''
            AND s.clicked_at >= p.met_at - interval '5 minutes' AND s.clicked_at < p.until) told
    GROUP BY person),
left_us AS (
    SELECT p.person, min(c.at) AS at FROM people p JOIN consents c ON c.customer_id = p.customer_id
    WHERE c.channel = 'email' AND c.state = 'withdrawn' AND c.at >= p.met_at AND c.at < p.until GROUP BY p.person),
told AS (
    SELECT arm, (met_at AT TIME ZONE 'UTC')::date AS day, 1 AS people, 0 AS buyers, 0 AS clickers, 0 AS leavers, 0 AS ended, 0 AS payers,
        0::numeric AS amount, 0::numeric AS squares FROM people
    UNION ALL
    SELECT p.arm, (b.at AT TIME ZONE 'UTC')::date, 0, 1, 0, 0, 0, 0, 0, 0 FROM people p JOIN bought b ON b.person = p.person
    UNION ALL
    SELECT p.arm, (c.at AT TIME ZONE 'UTC')::date, 0, 0, 1, 0, 0, 0, 0, 0 FROM people p JOIN clicked c ON c.person = p.person
    UNION ALL
    SELECT p.arm, (l.at AT TIME ZONE 'UTC')::date, 0, 0, 0, 1, 0, 0, 0, 0 FROM people p JOIN left_us l ON l.person = p.person
    UNION ALL
    SELECT p.arm, (p.met_at AT TIME ZONE 'UTC')::date, 0, 0, 0, 0, 1, (coalesce(b.amount, 0) > 0)::int, coalesce(b.amount, 0),
        coalesce(b.amount, 0)::numeric * coalesce(b.amount, 0) FROM people p LEFT JOIN bought b ON b.person = p.person
    WHERE (p.met_at AT TIME ZONE 'UTC')::date < CAST(:ripe AS date)),
fresh AS (
    SELECT day, arm, sum(people) AS people, sum(buyers) AS buyers, sum(clickers) AS clickers, sum(leavers) AS leavers, sum(ended) AS ended,
        sum(payers) AS payers, sum(amount) AS amount, sum(squares) AS squares
    FROM told WHERE day >= CAST(:since AS date) GROUP BY day, arm),
gone AS (
    DELETE FROM offer_trial_days d WHERE d.trial_id = :trial AND d.day >= CAST(:since AS date)
        AND NOT EXISTS (SELECT FROM fresh f WHERE f.day = d.day AND f.arm = d.arm))
INSERT INTO offer_trial_days (tenant_id, id, trial_id, day, arm, people, buyers, clickers, leavers, ended, payers, amount, squares)
SELECT :tenant, gen_random_uuid(), :trial, day, arm, people, buyers, clickers, leavers, ended, payers, amount, squares FROM fresh ORDER BY day, arm
ON CONFLICT (tenant_id, trial_id, day, arm) DO UPDATE SET people = excluded.people, buyers = excluded.buyers, clickers = excluded.clickers,
    leavers = excluded.leavers, ended = excluded.ended, payers = excluded.payers, amount = excluded.amount, squares = excluded.squares
