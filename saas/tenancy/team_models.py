"""Roles that a company makes for itself, and its teams."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import Stamped, TenantModel, tenant_fk


class Role(Stamped, TenantModel):
    """A role of the company's own; `rows` says by kind of record whose it sees, fields are named as `customer.phone`."""

    __tablename__ = "roles"
    __table_args__ = (UniqueConstraint("tenant_id", "name_norm"),)

    name: Mapped[str] = mapped_column(Text)
    name_norm: Mapped[str] = mapped_column(Text)
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    rows: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    hidden: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    locked: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)


class Team(Stamped, TenantModel):
    """Some of the company's people, inside another team or at the top."""

    __tablename__ = "teams"
    __table_args__ = (
        tenant_fk("parent_id", "teams"),
        UniqueConstraint("tenant_id", "name_norm"),
        Index("ix_teams_parent_id", "tenant_id", "parent_id"),
    )

    name: Mapped[str] = mapped_column(Text)
    name_norm: Mapped[str] = mapped_column(Text)
    parent_id: Mapped[UUID | None]


class TeamMember(Stamped, TenantModel):
    """That somebody belongs to a team, or leads it: a team has one manager at most."""

    __tablename__ = "team_members"
    __table_args__ = (
        tenant_fk("team_id", "teams", ondelete="CASCADE"),
        tenant_fk("member_id", "members", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "team_id", "member_id"),
        Index("ix_team_members_member_id", "tenant_id", "member_id"),
        Index("uq_team_members_manager", "tenant_id", "team_id", unique=True, postgresql_where=text("manages")),
    )

    team_id: Mapped[UUID]
    member_id: Mapped[UUID]
    manages: Mapped[bool] = mapped_column(Boolean, default=False)
