"""The jobs, three to ten lines each: bind the tenant, open a unit of work, call a room. One file a room."""
