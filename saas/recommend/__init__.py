"""Recommendations: what to show a shopper next, to whom, why, and how well it worked."""
