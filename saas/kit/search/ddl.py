"""The function through which the PostgreSQL engine searches, as SQL that a migration runs.

Text operators are not leakproof, so behind row-level security PostgreSQL may not use their indexes (0.5 s instead of
5 ms on a million rows). The function is owned by the platform's role, which is not bound by the policy, and therefore
does the policy's work itself: it reads the bound tenant and gives out nothing else.
"""

from __future__ import annotations

FUNCTION = "search_candidates(text, text, text[], int)"

_CREATE = """
CREATE OR REPLACE FUNCTION search_candidates(query text, check_too text, parts text[], most int)
RETURNS TABLE (kind text, id uuid, title text, subtitle text, words text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_indexscan = off
SET enable_indexonlyscan = off
SET jit = off
AS $body$
DECLARE
    tenant bigint := NULLIF(current_setting('app.tenant_id', true), '')::bigint;
    wanted text := format('r.tenant_id = %L::bigint', tenant);
    part text;
BEGIN
    IF tenant IS NULL THEN
        RETURN;
    END IF;
    -- Spelled out, so that the planner sees how rare each term is; %L quotes whatever the caller sent.
    IF query <> '' THEN
        wanted := wanted || format(' AND r.terms @@ %L::tsquery', query);
    END IF;
    -- As a function and not as an operator, so that it is asked of each row and not of the index.
    IF check_too <> '' THEN
        wanted := wanted || format(' AND ts_match_qv(%L::tsquery, r.terms)', check_too);
    END IF;
    FOREACH part IN ARRAY parts LOOP
        wanted := wanted || format(' AND r.parts LIKE %L', '%' || part || '%');
    END LOOP;
    RETURN QUERY EXECUTE 'SELECT r.kind, r.id, r.title, r.subtitle, r.words FROM public.search_records r WHERE '
        || wanted || format(' LIMIT %L::int', least(most, 1000));
END
$body$
"""


def ddl(*, application: str, platform: str, limited: str) -> list[str]:
    """Return the SQL for the function: owned by the platform's role, callable by the application's and its narrower role.

    The role that runs it must own the schema and be a member of the platform's role (`kit.roles` arranges both).
    """
    return [
        _CREATE,
        f"REVOKE ALL ON FUNCTION {FUNCTION} FROM PUBLIC",
        f'GRANT EXECUTE ON FUNCTION {FUNCTION} TO "{application}", "{limited}"',
        # A function's owner must be able to create in its schema at the moment it becomes the owner, and not after.
        f'GRANT CREATE ON SCHEMA public TO "{platform}"',
        f'ALTER FUNCTION {FUNCTION} OWNER TO "{platform}"',
        f'REVOKE CREATE ON SCHEMA public FROM "{platform}"',
    ]
