"""Whom the company sells to: one profile a person, and everything known of them in one place."""
