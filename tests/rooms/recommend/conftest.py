"""Memories of this process that outlive a test are emptied before each."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def empty_memory():
    from saas.recommend import shelf, stock

    shelf.forget()
    stock.forget()


@pytest.fixture
def shop(company, context, drain):
    """A company with a little shop, its models fitted."""
    from saas.recommend import fitting, shelf
    from tests.rooms.recommend import little_shop

    little_shop.fill(company)
    drain(company)
    fitting.fit(company.tenant_id)
    shelf.forget()
    return company


@pytest.fixture
def away(monkeypatch):
    """A Valkey that does not answer, asked as the product asks: redis-py's own retries would wait for a minute."""
    import redis

    from saas.kit import valkey

    nobody = redis.Redis(host="127.0.0.1", port=1, retry=valkey.once_more(), **valkey.HURRY)
    monkeypatch.setattr(valkey, "client", lambda: nobody)
    monkeypatch.setattr(valkey, "quick", lambda: nobody)
    yield
    nobody.close()
