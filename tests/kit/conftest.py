"""Fixtures of the kit's tests; each lives beside what it is for."""

from tests.kit.search_support import box, boxes, search_engines, tenant_id  # noqa: F401
