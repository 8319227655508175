"""Who the subscriber companies and their people are, and what each may do."""
