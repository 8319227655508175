"""What all tests share: real servers, the application, and a company of its own for each test.

Tests commit for real. They stay apart the way customers do: each has its own tenant, behind the same walls.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("ENVIRONMENT", "test")

from tests import bytecode  # noqa: E402

bytecode.keep()  # before the product is imported

from tests.companies import Company, found_company  # noqa: E402
from tests.durations import (  # noqa: E402, F401
    pytest_runtest_logstart,
    pytest_runtest_makereport,
    pytest_terminal_summary,
)
from tests.servers import database_urls, redis_url, test_servers  # noqa: E402, F401
from tests.turns import (  # noqa: E402, F401
    pytest_collection_modifyitems,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def settings_in_environment(database_urls, redis_url, tmp_path_factory):
    """Point this process's settings at the test servers."""
    from saas import config

    os.environ.update(database_urls.environment())
    os.environ.update(
        REDIS_URL=redis_url, ENVIRONMENT="test", SECRET_KEY="a secret only for tests, long enough", RATE_LIMITS="0",
        ARGON2_MEMORY_KIB="64", VAR_DIR=str(tmp_path_factory.mktemp("var")), OUTGOING_PRIVATE_HOSTS="1", GALLERY="1",
    )  # fmt: skip
    config.get.cache_clear()
    return config.get()


@pytest.fixture(scope="session")
def app(settings_in_environment):
    """The whole application. No test holds its context around a client's call: that would share session and g."""
    from saas.app import create_app
    from saas.kit import pool, valkey

    made = create_app()
    made.testing = False
    valkey.client().flushdb()
    gc.collect()
    gc.freeze()  # thousands of tests and all modules stay to the end: no collection need look through them again
    yield made
    pool.close()
    valkey.close()
    with made.app_context():
        from saas.kit.db import db

        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def context(app):
    """An application context for tests that call rooms; they open their own units of work."""
    with app.app_context():
        yield app


@pytest.fixture
def company(app) -> Company:
    """A company of this test's own, with an owner, an API key and clients that are signed in."""
    return found_company(app)


@pytest.fixture
def other_company(app) -> Company:
    """Another company, whose data nobody of the first may see."""
    return found_company(app)


@pytest.fixture
def tenant(company, context):
    """The company's tenant, bound and with an open unit of work that is committed at the end of the test."""
    from saas.kit import work

    with work.unit(tenant_id=company.tenant_id):
        yield company


@pytest.fixture
def drain(app):
    """Run what the outbox holds for a company, and what follows from it, until nothing is left; fails on a failed reaction."""
    from tests.companies import drain_outbox

    return lambda company: drain_outbox(app, company)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and payloads beside the project; tests that need it are skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder of real data beside the project, which is not here")
    return SHARED
