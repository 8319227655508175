"""The programs' door: JSON under /api/v1, signed in with a key, described by OpenAPI."""

from saas.api.openapi import register

__all__ = ["register"]
