"""Trials of places for offers: planning one, watching it, and taking over what won."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.kit import access, clock, doors
from saas.kit import pages as paging
from saas.kit.errors import Invalid
from saas.recommend import (
    slots,
    trial_arms,
    trial_counting,
    trial_planning,
    trial_statistics,
    trial_verdicts,
    trial_words,
    trials,
)
from saas.tenancy import audit, tenants
from tenant_admin import frame, offer_pickers, offer_words, trial_form

pages = Blueprint("recommend_trials", __name__, url_prefix="/recommendations/trials")

GOALS = {"orders": _l("People who buy"), "money": _l("Money a head"), "clicks": _l("People who click an offer")}
GUARDS = {"orders": _l("People who buy"), "money": _l("Money a head"), "unsubscribes": _l("People who unsubscribe")}
DRAWN_AT_MOST = 2.0  # a difference beyond which the picture is cut off


@pages.get("")
@doors.open_to("member", "offers.read")
def index() -> str:
    """All trials, newest first."""
    page = paging.page(trials.query(), order=trials.ORDER, cursor=request.args.get("cursor"))
    names = offer_words.place_names()
    rows = [
        {"id": str(trial.id), "name": trial.name, "place": names.get(trial.slot, trial.slot), "state": trial.state, "started_at": trial.started_at,
         "verdict": _short(trial), "goal": GOALS[trial.goal]}
        for trial in page.items
    ]  # fmt: skip
    return render_template("recommend/trials.html", trials=rows, next=page.next, tab="trials", may_edit=_may_edit())


def _short(trial: Any) -> str:
    """Say in a word how a trial stands, from the verdict that was reached."""
    arm = next((trial_arms.arm_name(one) for one in trial.arms if one["key"] == trial.verdict.get("arm")), "")
    told = {
        "better": _("“%(name)s” wins.", name=arm), "worse": _("“%(name)s” does worse.", name=arm), "same": _("No difference that matters"),
    }  # fmt: skip
    return told.get(
        trial.verdict.get("what"), _("Not begun yet.") if trial.state == "draft" else _("Too early to tell")
    )


def _may_edit() -> bool:
    return access.may("offers.edit")


@pages.get("/new")
@doors.open_to("member", "offers.edit")
def new() -> str:
    """An empty plan, for a place."""
    values = {
        "name": "", "slot": request.args.get("slot", "home"), "mode": "split", "goal": "orders", "days": 3, "worth_percent": 10, "holdout": 0,
        "guards": {"orders": 0},
    }  # fmt: skip
    return _form(values, [trial_form.blank()])


@pages.post("/new")
@doors.open_to("member", "offers.edit")
def create():
    """Plan a trial."""
    arms = trial_form.read(request.form)
    try:
        trial = trials.create(**_fields(arms))
    except Invalid as error:
        return _form(_typed(), arms, errors=trial_form.errors(error.fields, arms)), 422
    return frame.go(url_for("recommend_trials.show", trial_id=trial.id))


@pages.post("/form")
@doors.open_to("member", "offers.edit")
def redraw() -> str:
    """The form with one more arm or setting, or one less; nothing is kept."""
    trial_id, typed = request.args.get("trial") or None, _typed()
    if trial_id:
        trials.one(trial_id)
    typed["slot"] = typed["slot"] if typed.get("slot") in offer_words.place_names() else "home"
    arms = trial_form.redrawn(trial_form.read(request.form), request.args, request.form, typed["slot"])
    return _form(typed, arms, trial_id=trial_id)


@pages.get("/<trial_id>")
@doors.open_to("member", "offers.read")
def show(trial_id: str) -> str:
    """One trial: the verdict in words, each arm's figures, and how sure it became over time."""
    trial = trials.one(trial_id)
    found = trial_verdicts.examine(trial, trial_counting.days(trial.id), now=clock.now())
    currency, today = tenants.settings().currency, _today(trial)
    return render_template(
        "recommend/trial.html", trial=trial, found=found, sentence=trial_words.sentence(trial, found), why_paused=trial_words.why_paused(trial),
        arms=[_arm(trial, arm, today) for arm in found.arms], chart=_chart(trial, found), place_name=offer_words.place_names().get(trial.slot, trial.slot),
        goals=GOALS, guard_names=GUARDS, currency=currency, plan=_plan(trial, currency) if trial.state == "draft" else None,
        winner=_winner(trial, found), may_edit=_may_edit(), money=not trial_words.hidden_money(), tab="trials",
        sizes=trial_words.sizes_shown(trial),
    )  # fmt: skip


def _plan(trial: Any, currency: str) -> trial_planning.Plan:
    shares = [arm["share"] for arm in trial.arms]
    return trial_planning.plan(
        slot=trial.slot, goal=trial.goal, mode=trial.mode, shares=shares, worth_percent=trial.worth_percent, days=trial.days, currency=currency
    )  # fmt: skip


def _winner(trial: Any, found: trial_verdicts.Findings) -> trial_verdicts.Arm | None:
    """Return the arm that would be taken over with one click."""
    better = found.verdict.what == "better" and trial.state != "draft" and not trial.taken_arm
    return next((arm for arm in found.arms if better and arm.key == found.verdict.arm), None)


def _arm(trial: Any, arm: trial_verdicts.Arm, today: dict[str, Any]) -> dict[str, Any]:
    plan = next(one for one in trial.arms if one["key"] == arm.key)
    nothing = arm.kind == "nothing"
    band = arm.band if trial_words.sizes_shown(trial) else None
    return {
        "arm": arm, "what": _("Nothing is shown") if nothing else "" if plan["settings"] else _("What the place shows today"),
        "different": offer_words.differences(plan["settings"], today), "band": band, "far": trial_statistics.FAR,
        "a_head": round(arm.amount / arm.ended) if arm.ended else None,
    }  # fmt: skip


def _today(trial: Any) -> dict[str, Any]:
    """Return how the place of a trial is set; empty where it is gone."""
    try:
        return slots.plain(slots.one(trial.slot))
    except slots.NoSuchSlot:
        return {}


def _chart(trial: Any, found: trial_verdicts.Findings) -> dict[str, Any] | None:
    """Draw how far off each arm's difference from today may be, day by day."""
    lines = [arm for arm in found.arms[1:] if arm.curve]
    if not lines or not trial_words.sizes_shown(trial):
        return None
    days = sorted({point[0] for arm in lines for point in arm.curve})
    series = []
    for arm in lines:
        by_day = {day: (low, estimate, high) for day, low, estimate, high in arm.curve}
        points = [by_day.get(day) for day in days]
        series.append({
            "name": arm.name, "values": [_cut(point[1]) if point else None for point in points],
            "interval": [[_cut(point[0]), _cut(point[2])] if point else None for point in points],
        })  # fmt: skip
    return {
        "title": _("The difference from today, and how far off it may still be"),
        "data": {"x": [day.isoformat() for day in days], "x_name": _("Day"), "y_name": str(GOALS[trial.goal]), "series": series},
    }  # fmt: skip


def _cut(share: float) -> float:
    return round(max(min(share, DRAWN_AT_MOST), -1.0), 4)


@pages.get("/<trial_id>/edit")
@doors.open_to("member", "offers.edit")
def edit(trial_id: str) -> str:
    """A plan, to change it."""
    trial = trials.one(trial_id)
    arms, holdout = trial_form.of_plan(trial.arms)
    return _form(trials.plain(trial) | {"holdout": holdout}, arms or [trial_form.blank()], trial_id=str(trial.id))


@pages.post("/<trial_id>/edit")
@doors.open_to("member", "offers.edit")
def change(trial_id: str):
    """Change a plan."""
    arms = trial_form.read(request.form)
    try:
        trials.change(trial_id, **_fields(arms))
    except Invalid as error:
        return _form(_typed(), arms, errors=trial_form.errors(error.fields, arms), trial_id=trial_id), 422
    frame.toast(_("Saved"))
    return frame.go(url_for("recommend_trials.show", trial_id=trial_id))


@pages.post("/<trial_id>/start")
@doors.open_to("member", "offers.edit")
def start(trial_id: str):
    """Begin a trial, or go on with it."""
    trials.start(trial_id)
    frame.toast(_("The trial runs."))
    return frame.go(url_for("recommend_trials.show", trial_id=trial_id))


@pages.post("/<trial_id>/pause")
@doors.open_to("member", "offers.edit")
def pause(trial_id: str):
    """Pause a trial."""
    trials.pause(trial_id)
    frame.toast(_("Paused. Everybody sees what they see today."))
    return frame.go(url_for("recommend_trials.show", trial_id=trial_id))


@pages.post("/<trial_id>/stop")
@doors.open_to("member", "offers.edit")
def stop(trial_id: str):
    """End a trial."""
    trials.stop(trial_id)
    frame.toast(_("The trial has ended. Its figures stay."))
    return frame.go(url_for("recommend_trials.show", trial_id=trial_id))


@pages.post("/<trial_id>/take-over")
@doors.open_to("member", "offers.edit")
def take_over(trial_id: str):
    """Have everybody get what an arm showed."""
    trials.take_over(trial_id, request.form.get("arm", ""))
    frame.toast(_("Everybody gets it from now on."), undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("recommend_trials.show", trial_id=trial_id))


@pages.post("/<trial_id>/delete")
@doors.open_to("member", "offers.edit")
def delete(trial_id: str):
    """Throw a plan away."""
    trials.delete(trial_id)
    frame.toast(_("The plan is thrown away."))
    return frame.go(url_for("recommend_trials.index"))


def _form(
    values: dict[str, Any], arms: list[dict[str, Any]], *, errors: dict[str, list[str]] | None = None, trial_id: str | None = None
) -> str:  # fmt: skip
    return render_template(
        "recommend/trial_form.html", values=values, errors=errors or {}, trial_id=trial_id, places=offer_words.place_names(), goals=GOALS,
        guards=GUARDS, engines=offer_words.ENGINES, arms=trial_form.drawn(arms, values.get("slot", "")), most=trial_form.MOST,
        currency=tenants.settings().currency, listed=offer_pickers.listed(),
    )  # fmt: skip


def _typed() -> dict[str, Any]:
    return request.form.to_dict() | {"guards": _guards()}


def _fields(arms: list[dict[str, Any]]) -> dict[str, Any]:
    """Read the form: today's settings, the changed ones, and perhaps some who are shown nothing."""
    form = request.form
    mode = form.get("mode", "split")
    holdout = (_number("holdout") or 0) if mode == "split" else 0
    return {
        "name": form.get("name", ""), "slot": form.get("slot", ""), "mode": mode, "goal": form.get("goal", ""),
        "arms": trial_form.plan(arms, form.get("slot", ""), holdout=holdout, mode=mode), "days": _number("days") or 0,
        "worth_percent": _number("worth_percent") or 0, "guards": _guards(),
    }  # fmt: skip


def _guards() -> dict[str, int]:
    """Read the guard rails that are switched on."""
    return {name: _number(f"guard_{name}") or 0 for name in GUARDS if f"watch_{name}" in request.form}


def _number(name: str) -> int | None:
    typed = request.form.get(name, "").strip()
    return int(typed) if typed.isdecimal() and len(typed) < 7 else None
