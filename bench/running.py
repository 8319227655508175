"""The product running for a bench: its own servers, a company, and a way to call its API as a program would."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass
class Running:
    """A company in a running product."""

    app: Any
    tenant_id: int
    api_key: str
    site_key: str

    def api(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Call the API and return its answer; raises when it refuses."""
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        answer = self.app.test_client().open(f"/api/v1{path}", method=method, data=body, headers=headers)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.data[:500]!r}")
        return orjson.loads(answer.data)


@contextmanager
def product(*, currency: str = "EUR", doors: bool = True) -> Iterator[Running]:
    """Start embedded servers, migrate a database of its own, found a company; everything is gone afterwards.

    Without `doors` it is what a worker is: the rooms alone.
    """
    from tests import servers

    with servers.running() as addresses:
        urls = servers.new_database(addresses, name=f"bench_{secrets.token_hex(4)}")
        os.environ.update(urls.environment())
        os.environ.update(
            REDIS_URL=addresses["valkey"], ENVIRONMENT="test", RATE_LIMITS="0", OUTGOING_PRIVATE_HOSTS="1"
        )
        from saas import config
        from saas.app import create_app
        from saas.billing.plans import PLANS
        from saas.kit.db import db
        from saas.tenancy import founding

        config.get.cache_clear()
        app = create_app(only_rooms=not doors)
        with app.app_context():
            made = founding.from_command(
                company="Bench", email=f"{secrets.token_hex(4)}@bench.example", password="correct horse battery",
                allowed=PLANS["scale"].limits, currency=currency,
            )  # fmt: skip
        try:
            yield Running(app, made["tenant_id"], made["api_key"], made["site_key"])
        finally:
            from saas.kit import pool, valkey

            pool.close()
            valkey.close()
            with app.app_context():
                for engine in db.engines.values():
                    engine.dispose()
