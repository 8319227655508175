-- Notes who met a trial, each once; the trial or the customer may be gone by now.
INSERT INTO offer_trial_people (tenant_id, id, trial_id, visitor, customer_id, arm, met_at)
SELECT DISTINCT ON (r.id) :tenant, r.id, r.trial_id, r.visitor, (SELECT c.id FROM customers c WHERE c.id = r.customer_id), r.arm, r.at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (id uuid, trial_id uuid, key text, visitor text, customer_id uuid, arm text, at timestamptz)
JOIN offer_trials t ON t.id = r.trial_id
ORDER BY r.id, r.at
ON CONFLICT DO NOTHING
