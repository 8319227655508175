-- Whom the people of an interleaved trial voted for: the team more of whose products they clicked, and bought, in their days. A vote
-- counts once their days are over, on the day they met the trial; who chose as many of both has none.
WITH met AS MATERIALIZED (
    SELECT p.met_at, p.visitor, coalesce(p.customer_id, (SELECT i.customer_id FROM customer_identities i
        WHERE i.kind = 'visitor' AND i.proven AND i.value = p.visitor AND p.visitor <> '' ORDER BY i.created_at LIMIT 1)) AS customer_id
    FROM offer_trial_people p WHERE p.trial_id = :trial),
people AS MATERIALIZED (
    SELECT coalesce(customer_id::text, visitor) AS person, min(met_at) AS met_at, min(met_at) + :days * interval '1 day' AS until
    FROM met GROUP BY 1),
names AS MATERIALIZED (
    SELECT DISTINCT coalesce(customer_id::text, visitor) AS person, visitor FROM met WHERE visitor <> ''),
chosen AS (
    SELECT p.person, p.met_at, p.until, s.arm, s.clicked_at, s.bought_at
    FROM offers_shown s JOIN names n ON n.visitor = s.visitor JOIN people p ON p.person = n.person
    WHERE s.trial_id = :trial AND s.seen_at IS NOT NULL AND s.arm IN (:first, :second)
        AND (p.met_at AT TIME ZONE 'UTC')::date < CAST(:ripe AS date)
    UNION ALL
    SELECT p.person, p.met_at, p.until, s.arm, s.clicked_at, s.bought_at
    FROM offers_shown s JOIN people p ON p.person = s.customer_id::text
    WHERE s.trial_id = :trial AND s.seen_at IS NOT NULL AND s.arm IN (:first, :second) AND s.visitor = ''
        AND (p.met_at AT TIME ZONE 'UTC')::date < CAST(:ripe AS date)),
votes AS (
    SELECT person, (met_at AT TIME ZONE 'UTC')::date AS day,
        sum(CASE WHEN clicked_at < until THEN CASE arm WHEN :second THEN 1 ELSE -1 END ELSE 0 END) AS clicks,
        sum(CASE WHEN bought_at < until THEN CASE arm WHEN :second THEN 1 ELSE -1 END ELSE 0 END) AS buys
    FROM chosen GROUP BY person, met_at),
told AS (
    SELECT :first AS arm, (met_at AT TIME ZONE 'UTC')::date AS day, 1 AS people, 0 AS buyers, 0 AS clickers,
        ((met_at AT TIME ZONE 'UTC')::date < CAST(:ripe AS date))::int AS ended FROM people
    UNION ALL
    SELECT CASE WHEN clicks > 0 THEN :second ELSE :first END, day, 0, 0, 1, 0 FROM votes WHERE clicks <> 0
    UNION ALL
    SELECT CASE WHEN buys > 0 THEN :second ELSE :first END, day, 0, 1, 0, 0 FROM votes WHERE buys <> 0),
fresh AS (
    SELECT day, arm, sum(people) AS people, sum(buyers) AS buyers, sum(clickers) AS clickers, sum(ended) AS ended
    FROM told WHERE day >= CAST(:since AS date) GROUP BY day, arm),
gone AS (
    DELETE FROM offer_trial_days d WHERE d.trial_id = :trial AND d.day >= CAST(:since AS date)
        AND NOT EXISTS (SELECT FROM fresh f WHERE f.day = d.day AND f.arm = d.arm))
INSERT INTO offer_trial_days (tenant_id, id, trial_id, day, arm, people, buyers, clickers, leavers, ended, payers, amount, squares)
SELECT :tenant, gen_random_uuid(), :trial, day, arm, people, buyers, clickers, 0, ended, 0, 0, 0 FROM fresh ORDER BY day, arm
ON CONFLICT (tenant_id, trial_id, day, arm) DO UPDATE SET people = excluded.people, buyers = excluded.buyers,
    clickers = excluded.clickers, ended = excluded.ended
