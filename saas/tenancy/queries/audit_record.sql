-- Adds entries of the trace with their values beside them, each part under a salted digest of its own.
-- The era is the database cluster's own number and the xid that of the writing transaction: seals go by both.
WITH given AS MATERIALIZED (
    SELECT g.*, uuid_send(gen_random_uuid()) AS salt, uuid_send(gen_random_uuid()) AS who_salt
    FROM jsonb_to_recordset(CAST(:entries AS jsonb)) AS g (
        id uuid, acted_at timestamptz, actor_kind text, actor_id text, action text, record_kind text, record_id text,
        batch uuid, undoes uuid, detail boolean, door text, request_id text, before jsonb, after jsonb, who jsonb)
), kept AS (
    INSERT INTO audit_values (tenant_id, id, salt, before, after, who_salt, who)
    SELECT :tenant, id, salt, before, after, who_salt, who FROM given
    ON CONFLICT DO NOTHING
)
INSERT INTO audit_entries (
    tenant_id, id, era, xid, acted_at, actor_kind, actor_id, action, record_kind, record_id, batch, undoes, detail, door,
    request_id, values_digest, who_digest)
SELECT :tenant, id, (SELECT system_identifier FROM pg_control_system()), CAST(CAST(pg_current_xact_id() AS text) AS bigint),
    acted_at, actor_kind, actor_id, action, record_kind, record_id, batch, undoes, detail, door, request_id,
    sha256(salt || convert_to(CAST(jsonb_build_array(before, after) AS text), 'UTF8')),
    sha256(who_salt || convert_to(CAST(who AS text), 'UTF8'))
FROM given
ON CONFLICT DO NOTHING
