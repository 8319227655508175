"""Habits of the house that a reader would have to remember, kept by looking at the source."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from saas.config import Misconfigured, Settings, load

ROOT = Path(__file__).parents[2]
PRODUCT = ("saas", "storefront", "tenant_admin", "workers")


def sources(*folders: str):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def calls(source: str):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def test_only_the_unit_of_work_commits():
    found = [
        f"{path}:{line}" for path, source in sources(*PRODUCT) for name, line in calls(source)
        if name.endswith("session.commit") and path != "saas/kit/work.py"
    ]  # fmt: skip
    assert found == []


def test_raw_sql_and_session_get_stay_in_the_kit():
    found = [
        f"{path}:{line} {name}" for path, source in sources(*PRODUCT) for name, line in calls(source)
        if (name in ("text", "sa.text", "sqlalchemy.text") or name.endswith("session.get")) and not path.startswith("saas/kit/")
        and not path.endswith("models.py")
    ]  # fmt: skip
    assert found == []


def test_nobody_writes_the_tenant_by_hand():
    """The session adds it. Joins and inserts name the column; comparing it with a value is a sign of working around."""
    pattern = re.compile(r"\.tenant_id\s*==\s*(scope|tenant_id|self|company)")
    allowed = {
        "saas/tenancy/directory.py",
        "saas/tenancy/limits.py",
        "saas/tenancy/tenants.py",
        "saas/kit/db.py",
        "saas/tenancy/sessions.py",
        "saas/billing/platform.py",  # the platform counts what one company has, in a unit over all
        "saas/kit/sizes.py",  # the platform counts what one company has, in a unit over all
        "saas/billing/erasing.py",  # the platform erases one company, across all tables
    }
    found = [
        f"{path}: {m.group()}"
        for path, source in sources(*PRODUCT)
        for m in pattern.finditer(source)
        if path not in allowed
    ]
    assert found == []


def test_nothing_is_pickled_or_evaluated():
    bad = ("pickle.loads", "pickle.load", "eval", "exec", "yaml.load", "os.system")
    found = [
        f"{path}:{line} {name}" for path, source in sources(*PRODUCT) for name, line in calls(source) if name in bad
    ]
    assert found == []


def test_every_module_says_why_it_exists():
    silent = [
        path for path, source in sources(*PRODUCT, "sandbox", "bench") if not ast.get_docstring(ast.parse(source))
    ]
    assert silent == []


def test_only_the_settings_read_the_environment():
    found = [
        f"{path}" for path, source in sources("saas", "storefront", "tenant_admin", "workers")
        if "os.environ" in source and path not in ENVIRONMENT_READERS
    ]  # fmt: skip
    assert found == []


ENVIRONMENT_READERS = {
    "saas/config.py",  # the settings themselves
    "saas/cli/up.py",  # hands settings on to the processes it starts
    "saas/cli/_place.py",  # chooses what the environment leaves open
    "saas/cli/setup.py",  # runs before anything is installed
    "saas/cli/doctor.py",  # reports them
    "saas/cli/running.py",  # takes them from a copy that runs
    "saas/kit/supervisor.py",  # starts processes
    "saas/kit/launch.py",  # starts processes
    "saas/__main__.py",  # hands a running copy's settings to a command in a second terminal
    "saas/cli/lock.py",  # runs the locker
}


def test_production_refuses_a_secret_everybody_knows():
    good = {
        "ENVIRONMENT": "production", "SECRET_KEY": "x" * 40, "PUBLIC_URL": "https://crm.example", "DATABASE_URL": "postgresql://a",
        "DATABASE_OWNER_URL": "postgresql://o", "DATABASE_ADMIN_URL": "postgresql://p", "REDIS_URL": "redis://r",
        "SMTP_URL": "smtps://mail.example", "STRIPE_SECRET_KEY": "sk_live_x", "STRIPE_WEBHOOK_SECRET": "whsec_x",
    }  # fmt: skip
    assert load(good).production
    for name in ("SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "DATABASE_URL", "STRIPE_SECRET_KEY"):
        with pytest.raises(Misconfigured, match=name):
            load({key: value for key, value in good.items() if key != name})


def test_the_operators_page_lists_every_setting():
    page = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    assert [item.name.upper() for item in fields(Settings) if f"`{item.name.upper()}`" not in page] == []
