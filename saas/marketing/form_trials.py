"""Trials of a form as records: planned, begun, ended, and what won taken over; and who is given which variant.

Only browsers that agreed to statistics take part, for only they have an id that stays: everybody else is shown the form as it is, and
is not counted. The arm follows from the trial and the browser's id alone, so nothing is kept of who was given what.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from saas.kit import clock, errors, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.marketing import form_cache, form_content, forms
from saas.marketing.form_trial_models import GOALS, STATES, FormTrial
from saas.marketing.models import Form, FormSubmission
from saas.tenancy import audit, undoing

__all__ = ["GOALS", "STATES"]
TRIED = ("texts", "look", "after", "rules")
"""What variants may change. What is asked and what is agreed to is the same in all: it is what the consent proves."""
MOST_ARMS, KEYS = 4, "abcd"
NEWEST = ((FormTrial.created_at, "desc"), (FormTrial.id, "desc"))


class NoSuchTrial(errors.NotFound):
    """There is no such trial."""


class BadTrial(errors.Invalid):
    """A part of the plan is wrong; `fields` says which."""


class NotNow(errors.Conflict):
    """The trial's state does not allow this."""

    code = "trial_state"


def one(trial_id: UUID | str, *, lock: bool = False) -> FormTrial:
    """Return a trial; raises NoSuchTrial."""
    return kit_db.one(FormTrial, trial_id, NoSuchTrial, lock=lock)


def listed(form_id: UUID | str) -> Select:
    """Return a select of a form's trials."""
    return select(FormTrial).where(FormTrial.form_id == forms.one(form_id).id)


def newest(form_id: UUID) -> FormTrial | None:
    """Return a form's last trial, if it ever had one."""
    query = listed(form_id).order_by(FormTrial.created_at.desc(), FormTrial.id.desc()).limit(1)
    return db.session.scalars(query).one_or_none()


def create(
    form_id: UUID | str, *, arms: Sequence[Mapping[str, Any]], goal: str = "sent", worth_percent: int = 10
) -> FormTrial:
    """Plan a trial of a form; nobody meets it before it is begun. Raises NoSuchForm, BadTrial, BadForm or NotNow."""
    form = forms.one(form_id, lock=True)
    if db.session.scalar(listed(form.id).where(FormTrial.state != "stopped").limit(1)) is not None:
        raise NotNow(_("This form has a trial already. End it first."))
    if goal not in GOALS:
        raise BadTrial(fields={"goal": [_("Choose one of the values.")]})
    if not 1 <= worth_percent <= 200:
        raise BadTrial(fields={"worth_percent": [_("A whole number from %(least)s to %(most)s.", least=1, most=200)]})
    made = FormTrial(
        form_id=form.id, goal=goal, state="draft", worth_percent=worth_percent, arms=_arms(form, arms), taken_arm=""
    )
    db.session.add(made)
    db.session.flush()
    audit.record(action="form_trials.created", kind="form", record_id=form.id, after={"arms": _names(made)})
    return made


def _arms(form: Form, given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Read the variants: the first is the form as it is, the others say what is different."""
    if not 2 <= len(given) <= MOST_ARMS:
        raise BadTrial(fields={"arms": [_("A trial has two to %(most)s variants.", most=MOST_ARMS)]})
    read, problems = [], {}
    for number, one_ in enumerate(given):
        parts = dict(one_.get("content") or {})
        if number == 0 and parts:
            problems["arms.0.content"] = [_("The first variant is the form as it is.")]
        if number and not parts:
            problems[f"arms.{number}.content"] = [_("Change something.")]
        unknown = [name for name in parts if name not in TRIED]
        if unknown:
            problems[f"arms.{number}.content.{unknown[0]}"] = [_("Unknown field.")]
            continue
        try:
            whole = form_content.read(parts, held=form.content) if parts else {}
        except form_content.BadForm as error:
            problems |= {f"arms.{number}.{place}": said for place, said in error.fields.items()}
            continue
        read.append({
            "key": KEYS[number], "name": text.clean(str(one_.get("name") or ""), most=80), "share": int(one_.get("share") or 0),
            "content": {name: whole[name] for name in parts},
        })  # fmt: skip
    if not problems and sum(arm["share"] for arm in read) != 100:
        problems["arms"] = [_("The shares must come to 100 percent together.")]
    if not problems and any(arm["share"] < 1 for arm in read):
        problems["arms"] = [_("Each variant needs a share.")]
    if problems:
        raise BadTrial(fields=problems)
    return read


def arm_name(arm: Mapping[str, Any]) -> str:
    """Return what a variant is called, in the reader's language where nobody gave it a name."""
    if arm["name"]:
        return arm["name"]
    return _("As it is") if arm["key"] == KEYS[0] else _("Variant %(letter)s", letter=arm["key"].upper())


def _names(trial: FormTrial) -> list[str]:
    return [arm_name(arm) for arm in trial.arms]


def start(trial_id: UUID | str) -> FormTrial:
    """Begin a trial; raises NoSuchTrial or NotNow."""
    trial = one(trial_id, lock=True)
    _require(trial, "draft")
    if forms.one(trial.form_id).state != "live":
        raise NotNow(_("Show the form in your shops first."))
    return _move(trial, "running", "form_trials.started", started_at=clock.now())


def stop(trial_id: UUID | str) -> FormTrial:
    """End a trial; its figures stay, and everybody is shown the form as it is. Raises NoSuchTrial or NotNow."""
    trial = one(trial_id, lock=True)
    _require(trial, "running")
    return _move(trial, "stopped", "form_trials.stopped", stopped_at=clock.now())


def discard(trial_id: UUID | str) -> None:
    """Throw away a plan that nobody met; raises NoSuchTrial or NotNow."""
    trial = one(trial_id, lock=True)
    _require(trial, "draft")
    audit.record(action="form_trials.deleted", kind="form", record_id=trial.form_id, before={"arms": _names(trial)})
    db.session.delete(trial)
    db.session.flush()


def take_over(trial_id: UUID | str, key: str) -> FormTrial:
    """Make a variant the form itself, and end the trial; raises NoSuchTrial, NotNow or BadTrial."""
    trial = one(trial_id, lock=True)
    _require(trial, "running", "stopped")
    arm = next((one_ for one_ in trial.arms if one_["key"] == key), None)
    if arm is None:
        raise BadTrial(fields={"arm": [_("There is no such variant.")]})
    form = forms.one(trial.form_id, lock=True)
    before = {name: form.content.get(name) for name in arm["content"]}
    held = {"state": trial.state, "stopped_at": trial.stopped_at.isoformat() if trial.stopped_at else None}
    trial.state, trial.stopped_at, trial.taken_arm = "stopped", trial.stopped_at or clock.now(), key
    db.session.flush()
    forms.write(form, arm["content"])
    audit.record(
        action="form_trials.taken_over", kind="form", record_id=form.id, before={"content": before, "trial": held},
        after={"content": dict(arm["content"]), "trial": str(trial.id), "arm": key, "name": arm_name(arm)},
    )  # fmt: skip
    return trial


def take_back(told: audit.Told, rest: bool) -> None:
    """Give the form back what taking over changed; what somebody wrote since stands in the way."""
    form = forms.one(told.entry.record_id, lock=True)
    before, taken = told.before["content"], told.after["content"]
    back = {name: before[name] for name in taken if form.content.get(name) == taken[name] != before[name]}
    moved = {
        name: form.content.get(name) for name in taken if form.content.get(name) not in (taken[name], before[name])
    }
    if moved and not (rest and back):
        raise undoing.in_the_way(told, "form", moved)
    trial = kit_db.one(FormTrial, told.after["trial"], NoSuchTrial, lock=True)
    if not back and trial.taken_arm != told.after["arm"]:
        raise undoing.CannotUndo
    trial.taken_arm = ""
    db.session.flush()
    forms.write(form, back)


def _require(trial: FormTrial, *states: str) -> None:
    if trial.state not in states:
        raise NotNow(_("The trial’s state does not allow this."))


def _move(trial: FormTrial, state: str, action: str, **columns: Any) -> FormTrial:
    before, trial.state = trial.state, state
    for name, value in columns.items():
        setattr(trial, name, value)
    db.session.flush()
    audit.record(action=action, kind="form", record_id=trial.form_id, before={"trial": before}, after={"trial": state})
    form_cache.forget()
    return trial


# Who is given what


def arm_of(trial_id: UUID | str, arms: Sequence[Mapping[str, Any]], visitor: str) -> Mapping[str, Any]:
    """Return the arm of a browser: the same at any time, and another trial's is another throw of the dice."""
    throw = int.from_bytes(hashlib.sha256(f"{UUID(str(trial_id)).hex}:{visitor}".encode()).digest()[:8]) % 10_000
    below = 0
    for arm in arms:
        below += arm["share"] * 100
        if throw < below:
            return arm
    return arms[-1]


def mark(trial_id: UUID | str, key: str) -> str:
    """Return what a browser says of the arm it was given."""
    return f"{trial_id}.{key}"


def sent_with(form: Form, given: object, visitor: str) -> tuple[UUID | None, str | None]:
    """Return the trial and the arm of somebody who sends a form; neither where the browser's word does not fit its id."""
    trial = db.session.scalars(listed(form.id).where(FormTrial.state == "running")).one_or_none() if visitor else None
    if trial is None:
        return None, None
    key = arm_of(trial.id, trial.arms, visitor)["key"]
    return (trial.id, key) if given == mark(trial.id, key) else (None, None)


def arm_in(trial_id: UUID | None, key: str | None) -> Mapping[str, Any]:
    """Return an arm as its trial has it; empty where there is none, or the trial is gone."""
    trial = db.session.scalars(select(FormTrial).where(FormTrial.id == trial_id)).one_or_none() if trial_id else None
    return next((one_ for one_ in trial.arms if one_["key"] == key), {}) if trial else {}


def content_of(form: Form, trial_id: UUID | None, arm: str | None) -> dict[str, Any]:
    """Return a form's content as somebody saw it who was given an arm; as it is now where the trial is gone."""
    return {**form.content, **arm_in(trial_id, arm).get("content", {})}


def content_for(form: Form, sent: FormSubmission) -> dict[str, Any]:
    """Return a form's content as whoever sent this saw it."""
    return content_of(form, sent.trial_id, sent.arm)
