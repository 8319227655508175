"""What a company pays for and what it may use for it."""
