-- Takes messages that are due for a lease of a minute: a few of each webhook, so that a slow or busy one does not hold up the others.
WITH due AS (
    SELECT few.tenant_id, few.id, few.due_at FROM hooks h
    CROSS JOIN LATERAL (
        SELECT d.tenant_id, d.id, d.due_at FROM deliveries_out d
        WHERE d.tenant_id = h.tenant_id AND d.hook_id = h.id AND d.state = 'waiting' AND d.due_at <= now()
        ORDER BY d.due_at LIMIT :each) few
    WHERE h.state = 'active' AND (h.not_before IS NULL OR h.not_before <= now())
    ORDER BY few.due_at LIMIT :most),
taken AS (
    SELECT d.tenant_id, d.id FROM deliveries_out d JOIN due USING (tenant_id, id)
    WHERE d.state = 'waiting' AND d.due_at <= now() FOR UPDATE OF d SKIP LOCKED)
UPDATE deliveries_out d SET attempts = d.attempts + 1, due_at = now() + interval '1 minute'
FROM taken WHERE d.tenant_id = taken.tenant_id AND d.id = taken.id
RETURNING d.tenant_id, d.id, d.hook_id, d.body, d.attempts
