"""The fits of each model: what they were learnt from, how well they do, which of them serves, and going back to an older one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _

from saas.kit import access, doors
from saas.recommend import model_versions
from saas.recommend.schemas import model_plain
from saas.tenancy import audit
from tenant_admin import frame, learnt

pages = Blueprint("recommend_models", __name__, url_prefix="/recommendations/models")


@pages.get("")
@doors.open_to("member", "offers.read")
def index():
    """Every kind of model with its last fits."""
    found = model_versions.listed()
    kinds = [
        {"kind": kind, "name": name, "fits": [_shown(row) for row in found[kind]], "held": any(r.pinned_at for r in found[kind])}
        for kind, name in learnt.NAMES.items() if kind in found
    ]  # fmt: skip
    waits = [one["name"] for one in kinds for fit in one["fits"][:1] if fit["held_back"] == "worse"]
    return render_template(
        "recommend/models.html", kinds=kinds, waits=waits, days=model_versions.WAITS_FOR.days, kept=model_versions.KEPT,
        may_edit=access.may("offers.edit"), tab="models",
    )  # fmt: skip


def _shown(row: Any) -> dict[str, Any]:
    states = {
        "worse": (_("Waits: clearly worse than the one at work"), "warning"),
        "pinned": (_("Waits: an older one is held"), "grey"),
        "": (_("Earlier"), "grey"),
    }
    word, tone = (_("At work, held by hand"), "accent") if row.pinned_at else (_("At work"), "good")
    if not row.serving:
        word, tone = states[row.held_back]
    score = row.notes.get("quality") or {}
    return model_plain(row) | {
        "on": learnt.learnt_from(row.kind, row.notes), "word": word, "tone": tone,
        "share": score.get("hit_rate"), "plain": score.get("popular_hit_rate"), "cases": score.get("cases"),
    }  # fmt: skip


@pages.post("/<model_id>/pin")
@doors.open_to("member", "offers.edit")
def pin(model_id: str):
    """Go back to a fit and hold it."""
    row = model_versions.pin(model_id)
    frame.toast(
        _("“%(name)s” works with the chosen version from now on.", name=learnt.NAMES[row.kind]),
        undo=frame.undo_url(audit.latest()),
    )
    return frame.go(url_for("recommend_models.index"))


@pages.post("/<model_id>/release")
@doors.open_to("member", "offers.edit")
def release(model_id: str):
    """Let the newest fit serve again."""
    row = model_versions.release(model_id)
    frame.toast(
        _("“%(name)s” works with the newest version again.", name=learnt.NAMES[row.kind]),
        undo=frame.undo_url(audit.latest()),
    )
    return frame.go(url_for("recommend_models.index"))
