"""Fields of a company's own, made for a test."""

from __future__ import annotations

import pytest


@pytest.fixture
def field(tenant):
    """Make a field: `field("Level", "choice", choices=["Gold", "Silver"])` returns it as the catalogue holds it."""
    from saas.kit import records
    from saas.tenancy import custom_fields

    def make(label: str, type: str = "text", *, kind: str = "customer", **more):
        row = custom_fields.make(kind=kind, label=label, type=type, **more)
        return records.kind(kind).every()[f"custom.{row.key}"]

    return make
