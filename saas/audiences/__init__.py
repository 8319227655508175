"""Who belongs to which group, and who must not be written to."""
