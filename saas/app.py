"""The front hall: the only file that knows every room and every door.

`create_app` joins them. A room is met through its models (so that the tables are known) and a door through its
`register(app)`.
"""

from __future__ import annotations

import importlib
import importlib.util

import orjson
from sqlalchemy.engine import make_url

from saas import config
from saas.kit import costs, doors, failures, watch
from saas.kit.db import db
from saas.kit.pool import OPTIONS

ROOMS = (
    "tenancy", "billing", "customers", "catalog", "commerce", "reviews", "audiences", "recommend", "marketing", "insights", "integrations",
)  # fmt: skip
KIT_TABLES = (
    "saas.kit.outbox", "saas.kit.ticks", "saas.kit.files", "saas.kit.belongings.models", "saas.kit.search.models",
)  # fmt: skip
JOINERS = (
    "saas.tenancy.custom_fields", "saas.customers.fields", "saas.catalog.fields", "saas.commerce.fields", "saas.marketing.landing", "saas.customers.duplicate_work", "saas.customers.merge_undoing", "saas.integrations.deliveries_in", "saas.integrations.persons", "saas.integrations.erasures", "saas.integrations.shop_privacy", "saas.integrations.retention_work", "saas.commerce.joining", "saas.commerce.payment_joining", "saas.commerce.separating", "saas.commerce.unjoining", "saas.marketing.joining", "saas.marketing.separating", "saas.integrations.import_work", "saas.integrations.exports",
    "saas.customers.searching", "saas.commerce.searching",
    "saas.tenancy.history_export", "saas.tenancy.role_undoing", "saas.customers.undoing", "saas.catalog.undoing", "saas.commerce.undoing", "saas.reviews.undoing", "saas.audiences.undoing", "saas.audiences.bulk_actions", "saas.recommend.undoing", "saas.recommend.trial_undoing", "saas.recommend.slot_undoing", "saas.marketing.undoing", "saas.marketing.form_undoing", "saas.integrations.undoing",
)  # fmt: skip
"""Modules that register themselves with a room below them."""
DOORS = ("saas.api", "storefront", "tenant_admin")


def load_tables() -> None:
    """Import every module that defines tables, so that the metadata is whole."""
    for name in (*KIT_TABLES, *(f"saas.{room}.models" for room in ROOMS)):
        if _exists(name):
            importlib.import_module(name)


def _exists(name: str) -> bool:
    """A room without tables has no `models`, and a room of a later release no folder."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _sqlalchemy_url(url: str) -> str:
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def create_app(*, only_rooms: bool = False) -> doors.Hall:
    """Make the application; with `only_rooms` (workers, commands) the doors stay out and it starts faster."""
    settings = config.get()
    app = doors.Hall("saas", static_folder=None)
    engine = {
        "connect_args": {"prepare_threshold": None, "options": OPTIONS, **costs.connect_arguments()},
        "pool_size": settings.database_pool,
        "json_deserializer": orjson.loads,
    }
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=_sqlalchemy_url(settings.database_url),
        SQLALCHEMY_BINDS={"admin": {"url": _sqlalchemy_url(settings.database_admin_url), **engine, "pool_size": 2}},
        SQLALCHEMY_ENGINE_OPTIONS={**engine, "max_overflow": 4, "pool_timeout": 10},
        SESSION_COOKIE_NAME="regulars_page",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=32 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        TRUSTED_HOSTS=_trusted_hosts(settings),
    )
    load_tables()
    for name in JOINERS:
        importlib.import_module(name)
    db.init_app(app)
    if not only_rooms:
        costs.init(app)
        failures.init(app)
        watch.init(app)
        for door in DOORS:
            importlib.import_module(door).register(app)
    return app


def _trusted_hosts(settings: config.Settings) -> list[str]:
    """A forged Host header must not end up in a link we mail, so only our own names are answered."""
    own = settings.public_url.split("//", 1)[-1].split("/", 1)[0].rsplit(":", 1)[0]
    local = [] if settings.production else ["127.0.0.1", "localhost", "[::1]"]
    return list(dict.fromkeys([own, *settings.trusted_hosts, *local]))
