"""The session and the two kinds of tables: those of one tenant and the few that all share.

Two walls keep tenants apart. The outer one is row-level security in PostgreSQL (see `walls`): every transaction starts
with the bound tenant's id and the application's role cannot look past it. The inner one is here: each ORM statement is
narrowed to the tenant, new rows are stamped with it, and an ORM statement without a tenant raises instead of answering
"nothing". Nobody writes `tenant_id ==` by hand. Inside a tenant, who may not see all records works as a narrower role.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from psycopg.pq import TransactionStatus
from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    MetaData,
    Select,
    event,
    select,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    mapped_column,
    registry,
    with_loader_criteria,
)
from sqlalchemy.sql.util import find_tables

from saas.kit import access, clock, errand, identifiers, scope, walls

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

slot: ContextVar[object | None] = ContextVar("session_slot", default=None)


class NoUnitOfWork(Exception):
    """The session was used outside a unit of work. It is a mistake in the code, never the user's."""


class ForeignRow(Exception):
    """A row of one tenant was about to be written while another tenant is bound."""


def _slot_key() -> int:
    """Sessions are kept by unit of work; outside of one there is a session that refuses everything."""
    return id(slot.get())


class ScopedSession(FlaskSession):
    """A session that speaks to the application's role, or to the platform's inside `across_tenants`."""

    def get_bind(self, mapper=None, clause=None, bind=None, **kwargs):
        if slot.get() is None:
            raise NoUnitOfWork("open work.unit() before using the session")
        if bind is not None:
            return bind
        return self._db.engines["admin" if scope.across() else None]


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(naming_convention=NAMES),
        type_annotation_map={datetime: DateTime(timezone=True), bytes: LargeBinary},
    )


db = SQLAlchemy(
    model_class=Base,
    disable_autonaming=True,
    session_options={"class_": ScopedSession, "scopefunc": _slot_key, "expire_on_commit": False},
)
walls.know(db.metadata)


class GlobalModel(db.Model):
    """A table that is read before a tenant is known. Each is listed by name, with its reason, in `walls.GLOBAL_TABLES`."""

    __abstract__ = True


class TenantModel(db.Model):
    """A table of one tenant's rows: primary key (tenant_id, id), id a UUIDv7 made by the application."""

    __abstract__ = True

    tenant_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True, sort_order=-20
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=identifiers.new, sort_order=-19)


class Stamped:
    """When the row was made and last changed."""

    created_at: Mapped[datetime] = mapped_column(default=lambda: clock.now(), sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(
        default=lambda: clock.now(), onupdate=lambda: clock.now(), sort_order=91
    )


def tenant_fk(column: str, table: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """Return the composite foreign key (tenant_id, column) -> table, which cannot point at another tenant's row.

    `ondelete="SET NULL"` empties only `column`, for a plain SET NULL would empty the tenant too.
    """
    if ondelete == "SET NULL":
        ondelete = f"SET NULL ({column})"
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], ondelete=ondelete)


Row = TypeVar("Row", bound=TenantModel)


def uuid(row_id: UUID | str) -> UUID | None:
    """Return an id as it is kept, or None when it is malformed."""
    try:
        return row_id if isinstance(row_id, UUID) else UUID(str(row_id))
    except ValueError:
        return None


def one(model: type[Row], row_id: UUID | str, missing: Callable[[], Exception], *, lock: bool = False) -> Row:
    """Return one row of the bound tenant by its id, or raise what `missing` makes. A malformed id is missing too."""
    wanted = uuid(row_id)
    if wanted is None:
        raise missing()
    query: Select[Any] = select(model).where(model.id == wanted)
    found = db.session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise missing()
    return found


@event.listens_for(Session, "after_begin")
def _bind_tenant(session: Session, transaction, connection) -> None:
    """Tell PostgreSQL whose transaction this is. SET LOCAL, because poolers and Citus hand on nothing else."""
    bound = scope.tenant_or_none()
    session.info["tenant"] = bound
    settings = errand.statements()
    if bound is not None:
        settings += [f"SET LOCAL app.tenant_id = '{int(bound)}'", *walls.limit(access.limiting())]
    if settings:
        _say(connection, settings)


def _say(connection: Connection, settings: list[str]) -> None:
    """Send settings as one message, which PostgreSQL takes without parameters only."""
    connection.exec_driver_sql("; ".join(settings), execution_options={"no_parameters": True})


def _open_session() -> Session | None:
    """Return the session of the open unit of work when its transaction has begun and is sound."""
    session = db.session() if slot.get() is not None else None
    if session is None or not session.in_transaction():
        return None
    raw: Any = session.connection().connection.dbapi_connection
    return None if raw.info.transaction_status == TransactionStatus.INERROR else session


def _write_pending() -> None:
    session = _open_session()
    if session is not None:
        session.flush()


def _turn() -> None:
    """Have the open transaction go on with the rows that are visible from now on."""
    session = _open_session()
    if session is not None:
        _say(session.connection(), walls.limit(access.limiting()) or ["SET LOCAL ROLE NONE"])


access.register_switch(write=_write_pending, turn=_turn)


@event.listens_for(Session, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    if scope.across():
        return
    bound = scope.tenant_or_none()
    began_with = state.session.info.get("tenant", bound) if state.session.in_transaction() else bound
    if bound != began_with:
        raise ForeignRow("this session began for another tenant")
    if bound is None:
        tables = find_tables(state.statement, include_joins=False, include_crud=True, check_columns=True)
        if any(
            table is not None and "tenant_id" in table.columns and table.name not in walls.GLOBAL_TABLES
            for table in tables
        ):
            raise scope.NoTenant("a tenant's table was asked for, and no tenant is bound")
        return
    if state.is_column_load or state.is_relationship_load:
        return
    state.statement = state.statement.options(
        with_loader_criteria(TenantModel, lambda cls: cls.tenant_id == bound, include_aliases=True)
    )


@event.listens_for(Session, "before_flush")
def _stamp(session: Session, context, instances) -> None:
    for row in session.new:
        if not isinstance(row, TenantModel):
            continue
        if row.tenant_id is None:
            row.tenant_id = scope.tenant_id()
        elif not scope.across() and row.tenant_id != scope.tenant_id():
            raise ForeignRow(f"a row of tenant {row.tenant_id} was added while another tenant is bound")
