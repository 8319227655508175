"""Forms on the shops' pages as records: made, written, shown or not, copied, and put into the bin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, cast, func, select

from saas.kit import db as kit_db
from saas.kit import errors, text
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.marketing import form_cache, form_content
from saas.marketing.models import FORM_KINDS, FORM_STATES, Form, FormTrial
from saas.tenancy import audit, bin

KINDS, STATES = FORM_KINDS, FORM_STATES
NEWEST = ((Form.updated_at, "desc"), (Form.id, "desc"))
MOST, MOST_LIVE = 200, 20


class NoSuchForm(errors.NotFound):
    """There is no such form."""


class NameTaken(errors.Conflict):
    """Another form has this name."""


class UnderTrial(errors.Conflict):
    """Two variants of it are being tried, and they must stay what they are meanwhile."""

    code = "trial_state"


class NotReady(errors.Invalid):
    """Something is missing before the form can be shown."""


def one(form_id: UUID | str, *, lock: bool = False) -> Form:
    """Return a form; raises NoSuchForm."""
    return kit_db.one(Form, form_id, NoSuchForm, lock=lock)


def known(ids: Iterable[str]) -> set[str]:
    """Return which of these forms there are, by their ids as text."""
    wanted = list(ids)
    query = select(cast(Form.id, Text)).where(cast(Form.id, Text).in_(wanted))
    return set(db.session.scalars(query)) if wanted else set()


def listed(*, state: str | None = None, name: str = "") -> Select:
    """Return a select of forms."""
    query = select(Form)
    if state:
        query = query.where(Form.state == state)
    return query.where(Form.name.icontains(name, autoescape=True)) if name else query


def create(*, name: str, kind: str, content: Mapping[str, Any] | None = None) -> Form:
    """Make a form, which nobody sees yet; raises BadForm or NameTaken."""
    if (db.session.scalar(select(func.count()).select_from(Form)) or 0) >= MOST:
        raise form_content.BadForm(_("A company has at most %(most)s forms.", most=MOST))
    made = Form(name=_name(name, None), kind=_kind(kind), content=form_content.read(content or {}), state="draft")
    db.session.add(made)
    db.session.flush()
    audit.record(action="forms.created", kind="form", record_id=made.id, after=written(made))
    return made


def change(
    form_id: UUID | str, *, name: str | None = None, kind: str | None = None, content: Mapping[str, Any] | None = None
) -> Form:
    """Change a form; of the content only the parts that are given. Raises NoSuchForm, BadForm, NameTaken,
    UnderTrial or NotReady."""
    form = one(form_id, lock=True)
    held = written(form)
    if name is not None:
        form.name = _name(name, form.id)
    if kind is not None:
        form.kind = _kind(kind)
    if content is not None:
        form.content = form_content.read(content, held=form.content)
    if form.state == "live":
        _require_ready(form)
    before, after = audit.differing(held, written(form))
    if after.keys() - {"name"} and _tried(form):
        raise UnderTrial(_("A trial of this form runs. End it first."))
    if after:
        form.version += 1
        db.session.flush()
        audit.record(action="forms.edited", kind="form", record_id=form.id, before=before, after=after)
        form_cache.forget()
    return form


def write(form: Form, parts: Mapping[str, Any]) -> None:
    """Have a form hold parts of the content that were read before."""
    if parts:
        form.content = {**form.content, **parts}
        form.version += 1
        db.session.flush()
    form_cache.forget()


def _tried(form: Form) -> bool:
    running = select(FormTrial.id).where(FormTrial.form_id == form.id, FormTrial.state == "running")
    return db.session.scalar(running.limit(1)) is not None


def written(form: Form) -> dict[str, Any]:
    """Return what people write of a form, for the trace."""
    return {"name": form.name, "kind": form.kind, **{name: form.content.get(name) for name in form_content.PARTS}}


def put_back(form_id: str, values: Mapping[str, Any]) -> None:
    """Write what a form was before, part by part, as an undoing wants it."""
    parts = {name: value for name, value in values.items() if name in form_content.PARTS}
    change(form_id, name=values.get("name"), kind=values.get("kind"), content=parts or None)


def show(form_id: UUID | str) -> Form:
    """Have the form shown in the shops; raises NoSuchForm or NotReady."""
    form = one(form_id, lock=True)
    _require_ready(form)
    live = select(func.count()).select_from(Form).where(Form.state == "live", Form.id != form.id)
    if (db.session.scalar(live) or 0) >= MOST_LIVE:
        raise NotReady(_("At most %(most)s forms are shown at once.", most=MOST_LIVE))
    return _turn(form, "live", "forms.shown")


def hide(form_id: UUID | str) -> Form:
    """Show the form no more; what was sent stays. Raises NoSuchForm."""
    return _turn(one(form_id, lock=True), "paused", "forms.hidden")


def _turn(form: Form, state: str, action: str) -> Form:
    if form.state != state:
        before, form.state = form.state, state
        db.session.flush()
        audit.record(action=action, kind="form", record_id=form.id, before={"state": before}, after={"state": state})
        form_cache.forget()
    return form


def copy(form_id: UUID | str) -> Form:
    """Make a draft of the same form; raises NoSuchForm."""
    form = one(form_id)
    taken = set(db.session.scalars(select(Form.name).where(Form.name.startswith(form.name[:100], autoescape=True))))
    names = (_("%(name)s, copy %(number)s", name=form.name[:100], number=number) for number in range(1, MOST + 2))
    return create(name=next(name for name in names if name not in taken), kind=form.kind, content=dict(form.content))


def delete(form_id: UUID | str) -> None:
    """Put a form with what was sent by it into the bin; it is shown no more. Raises NoSuchForm."""
    form = one(form_id, lock=True)
    audit.record(action="forms.deleted", kind="form", record_id=form.id, before={"name": form.name})
    bin.put("form", {form.id: form.name})
    form_cache.forget()


def _require_ready(form: Form) -> None:
    missing = form_content.lacking(form.content)
    if missing:
        raise NotReady(missing[0], fields={"content": missing})


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise form_content.BadForm(fields={"kind": [_("Choose one of the values.")]})
    return kind


def _name(value: str, own_id: UUID | None) -> str:
    name = text.clean(value, most=120)
    if not name:
        raise form_content.BadForm(fields={"name": [_("Give the form a name.")]})
    held = db.session.scalar(select(Form.id).where(Form.name == name))
    if held is not None and held != own_id:
        raise NameTaken(fields={"name": [_("Another form has this name.")]})
    return name
