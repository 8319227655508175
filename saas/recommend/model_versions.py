"""Which fit of a kind serves: the newest that is not clearly worse, or the one that somebody chose and holds.

The last fits of each kind are kept, so going back costs nothing: the older one is in force within two seconds. What somebody
holds stays until it is released, and newer fits wait beside it. A fit whose score is clearly below that of the serving one
waits too, for a week at most: by then the serving one knows too little of what is wanted now.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from saas.kit import clock, errors, identifiers
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.recommend import archive, shelf
from saas.recommend.models import FittedModel
from saas.tenancy import audit

KEPT = 3
"""Fits of a kind that are kept beside one that is held."""
FEWEST_CASES = 50  # questions below which two scores say nothing of each other
SURELY = 2.33  # standard errors, one error in a hundred
WORSE = 0.9  # and below this share of the serving one's score
WAITS_FOR = timedelta(days=7)  # a worse fit waits no longer than the serving one is old
PINNED, RELEASED = "recommend_models.pinned", "recommend_models.released"
KIND = "recommend_model"


class NoSuchModel(errors.NotFound):
    """There is no such fit (any more)."""


class Outdated(errors.Conflict):
    """This fit was written by another release and cannot be read any more."""

    code = "model_unreadable"


class NotHeld(errors.Conflict):
    """Nobody holds this fit."""

    code = "not_held"


class Moved(Exception):
    """Another fit serves than the history says; `now` tells which."""

    def __init__(self, now: dict[str, Any]) -> None:
        super().__init__("another fit serves by now")
        self.now = now


def put(kind: str, data: bytes, *, notes: dict[str, Any]) -> str:
    """Keep the bound tenant's newest fit of a kind, have it serve unless it is held back, and return its version."""
    shelf.lock(kind)
    serving, now = _serving(kind), clock.now()
    fresh = FittedModel(
        id=identifiers.new(), kind=kind, version=str(identifiers.new()), fitted_at=now, blob=data, notes=notes, serving=False,
        held_back=_held_back(serving, notes), pinned_at=None,
    )  # fmt: skip
    db.session.add(fresh)
    db.session.flush()
    if not fresh.held_back:
        _serve(fresh, instead_of=serving)
    _throw_away_old(kind)
    return fresh.version


def _serving(kind: str) -> FittedModel | None:
    return db.session.scalars(select(FittedModel).where(FittedModel.kind == kind, FittedModel.serving)).one_or_none()


def _held_back(serving: FittedModel | None, notes: Mapping[str, Any]) -> str:
    """Say why a new fit does not serve: "pinned", "worse" or, when it does, nothing."""
    if serving is None:
        return ""
    if serving.pinned_at is not None:
        return "pinned"
    young = clock.now() - serving.fitted_at < WAITS_FOR
    return "worse" if young and clearly_worse(notes.get("quality"), serving.notes.get("quality")) else ""


def clearly_worse(new: Mapping[str, Any] | None, old: Mapping[str, Any] | None) -> bool:
    """This function will tell whether a score is below another by more than chance and by more than a tenth.

    Each has `hit_rate` (a share), `cases` and perhaps `popular_hit_rate`, the same questions put to what is popular. By chance: two
    shares, pooled, one-sided at 1%. Where popularity fell as much, it is the questions that became harder and not the model worse.
    """
    if not new or not old or min(new["cases"], old["cases"]) < FEWEST_CASES:
        return False
    fell = new["hit_rate"] / old["hit_rate"] if old["hit_rate"] else 1.0
    pooled = (new["hit_rate"] * new["cases"] + old["hit_rate"] * old["cases"]) / (new["cases"] + old["cases"])
    error = math.sqrt(pooled * (1 - pooled) * (1 / new["cases"] + 1 / old["cases"]))
    if fell >= WORSE or old["hit_rate"] - new["hit_rate"] <= SURELY * error:
        return False
    plain_new, plain_old = new.get("popular_hit_rate"), old.get("popular_hit_rate")
    return not plain_new or not plain_old or fell < WORSE * plain_new / plain_old


def _serve(one: FittedModel, *, instead_of: FittedModel | None) -> None:
    if instead_of is not None and instead_of.id != one.id:
        instead_of.serving, instead_of.pinned_at = False, None
        db.session.flush()  # of a kind only one may serve, also for a moment
    one.serving, one.held_back = True, ""
    db.session.flush()
    shelf.announce_after_commit(one.kind, one.version, one.blob)


def _throw_away_old(kind: str) -> None:
    newest = select(FittedModel.id).where(FittedModel.kind == kind).order_by(FittedModel.id.desc()).limit(KEPT)
    db.session.execute(
        delete(FittedModel)
        .where(FittedModel.kind == kind, ~FittedModel.serving, FittedModel.id.not_in(newest))
        .execution_options(synchronize_session=False)
    )


def take_down(kind: str) -> None:
    """Remove all fits of a kind: there is no longer enough to learn from. What somebody holds stays."""
    shelf.lock(kind)
    held = _serving(kind)
    if held is None or held.pinned_at is None:
        shelf.take_down(kind)


def listed() -> dict[str, list[FittedModel]]:
    """Return the bound tenant's fits by kind, the newest first, without their bytes."""
    found: dict[str, list[FittedModel]] = {}
    query = select(FittedModel).where(FittedModel.kind.in_(shelf.LEARNT)).order_by(FittedModel.id.desc())
    for row in db.session.scalars(query):
        found.setdefault(row.kind, []).append(row)
    return found


def one(model_id: UUID | str, *, lock: bool = False) -> FittedModel:
    """Return a fit; raises NoSuchModel."""
    found = kit_db.one(FittedModel, model_id, NoSuchModel, lock=lock)
    if found.kind not in shelf.LEARNT:
        raise NoSuchModel()
    return found


def pin(model_id: UUID | str) -> FittedModel:
    """Have a fit serve from now on and hold it there, whatever is fitted later; raises NoSuchModel or Outdated."""
    kind = one(model_id).kind
    shelf.lock(kind)
    wanted, serving = one(model_id, lock=True), _serving(kind)
    if wanted.serving and wanted.pinned_at is not None:
        return wanted
    try:
        shelf.READERS[kind](wanted.blob)
    except (archive.Unreadable, ValueError):
        raise Outdated(_("This fit was written by another release and cannot be read any more.")) from None
    before = _told(serving)
    _serve(wanted, instead_of=serving)
    wanted.pinned_at = clock.now()
    db.session.flush()
    audit.record(action=PINNED, kind=KIND, record_id=kind, before=before, after=_told(wanted))
    return wanted


def release(model_id: UUID | str) -> FittedModel:
    """Let the newest fit serve in place of this one that is held, and those that follow; raises NoSuchModel or NotHeld."""
    kind = one(model_id).kind
    shelf.lock(kind)
    held = one(model_id, lock=True)
    if not held.serving or held.pinned_at is None:
        raise NotHeld(_("Nobody holds this fit."))
    before = _told(held)
    held.pinned_at = None
    newest = db.session.scalars(
        select(FittedModel).where(FittedModel.kind == kind).order_by(FittedModel.id.desc()).limit(1)
    ).one()
    _serve(newest, instead_of=held)
    audit.record(action=RELEASED, kind=KIND, record_id=kind, before=before, after=_told(newest))
    return newest


def restore(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Have that fit serve again which served before, held as it was; raises Moved when another choice was made since."""
    shelf.lock(kind)
    serving = _serving(kind)
    if serving is None or (str(serving.id), serving.pinned_at is not None) != (after["serving"], after["held"]):
        raise Moved(_told(serving))
    if before["held"]:
        pin(before["serving"])
        return
    release(serving.id)
    if before["serving"]:
        _serve(one(before["serving"], lock=True), instead_of=_serving(kind))


def _told(row: FittedModel | None) -> dict[str, Any]:
    """Return what the history says of who serves."""
    if row is None:
        return {"serving": "", "fitted_at": None, "held": False}
    return {"serving": str(row.id), "fitted_at": row.fitted_at.isoformat(), "held": row.pinned_at is not None}
