"""Speaks to many customers at once: templates, mailings, and what came of them."""
