-- Companies whose history holds entries of this database that no seal covers yet; one look into an index for each company.
SELECT t.id FROM tenants t LEFT JOIN audit_heads h ON h.tenant_id = t.id
CROSS JOIN (SELECT system_identifier AS era FROM pg_control_system()) now
WHERE EXISTS (SELECT FROM audit_entries e WHERE e.tenant_id = t.id AND e.era = now.era
              AND e.xid >= CASE WHEN h.era = now.era THEN h.to_xid ELSE 0 END)
ORDER BY t.id
