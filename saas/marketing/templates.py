"""Mail designs that campaigns begin with: kept as they were written, with what is wrong with them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from saas.kit import db as kit_db
from saas.kit import errors, text
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.marketing import people, rendering
from saas.marketing.models import MailTemplate
from saas.tenancy import audit, bin, tenants

BY_NAME = ((MailTemplate.name, "asc"), (MailTemplate.id, "asc"))


class NoSuchTemplate(errors.NotFound):
    """There is no such mail design."""


class BadTemplate(errors.Invalid):
    """A field of the design is out of range."""


class NameTaken(errors.Conflict):
    """Another design has this name."""


def one(template_id: UUID | str, *, lock: bool = False) -> MailTemplate:
    """Return a design; raises NoSuchTemplate."""
    return kit_db.one(MailTemplate, template_id, NoSuchTemplate, lock=lock)


def listed(*, name: str = "") -> Select:
    """Return a select of designs, or of those whose name holds this."""
    return (
        select(MailTemplate).where(MailTemplate.name.icontains(name, autoescape=True)) if name else select(MailTemplate)
    )


def create(*, name: str, subject: str = "", source: str = "", text_source: str = "") -> MailTemplate:
    """Keep a design; raises BadTemplate or NameTaken. A faulty one is kept with its problems."""
    made = MailTemplate(name=_name(name, None))
    _write(made, subject=subject, source=source, text_source=text_source)
    db.session.add(made)
    db.session.flush()
    audit.record(action="templates.created", kind="template", record_id=made.id, after={"name": made.name})
    return made


def change(template_id: UUID | str, *, name: str | None = None, **sources: str | None) -> MailTemplate:
    """Change a design's name, subject, source or text_source; raises NoSuchTemplate, BadTemplate or NameTaken."""
    design = one(template_id, lock=True)
    held = written(design)
    if name is not None:
        design.name = _name(name, design.id)
    _write(design, **sources)
    design.version += 1
    db.session.flush()
    before, after = audit.differing(held, written(design))
    if after:
        audit.record(action="templates.edited", kind="template", record_id=design.id, before=before, after=after)
    return design


def written(design: MailTemplate) -> dict[str, str | None]:
    """Return what people write of a design, for the trace."""
    return {name: getattr(design, name) for name in ("name", "subject", "source", "text_source")}


def delete(template_id: UUID | str) -> None:
    """Put a design into the bin; campaigns that began with it keep what is written in them. Raises NoSuchTemplate."""
    design = one(template_id, lock=True)
    audit.record(action="templates.deleted", kind="template", record_id=design.id, before={"name": design.name})
    bin.put("template", {design.id: design.name})


def problems(design: MailTemplate) -> tuple[Any, ...]:
    """Return what is wrong with a design, each fault with its line and column."""
    return rendering.Compiled.load(design.compiled).problems if design.compiled else ()


def _write(design: MailTemplate, **sources: str | None) -> None:
    for name, value in sources.items():
        if value is not None:
            setattr(design, name, text.clean(value, most=500 if name == "subject" else 300_000))
    made = rendering.compile(
        subject=design.subject or "",
        body=design.source or "",
        text=design.text_source or "",
        language=(tenants.settings().languages or ["en"])[0],
        sample=people.SAMPLE | people.company(),
    )
    design.compiled = made.dump()


def _name(value: str, own_id: UUID | None) -> str:
    name = text.clean(value, most=120)
    if not name:
        raise BadTemplate(fields={"name": [_("Give the design a name.")]})
    held = db.session.scalar(select(MailTemplate.id).where(MailTemplate.name == name))
    if held is not None and held != own_id:
        raise NameTaken(fields={"name": [_("Another design has this name.")]})
    return name
