"""A stand-in for Stripe on this machine, so that sign-up, payment and dunning can be tried without an account.

It keeps state, speaks API version 2026-10-28.endive and is never imported by the product: the product talks to it over
HTTP exactly as it talks to Stripe.
"""

API_VERSION = "2026-10-28.endive"
