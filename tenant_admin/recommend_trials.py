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
    trial_arms,
    trial_counting,
    trial_planning,
    trial_statistics,
    trial_verdicts,
    trial_words,
    trials,
)
from saas.recommend.places import ENGINES
from saas.tenancy import audit, tenants
from tenant_admin import frame, offer_words

pages = Blueprint("recommend_trials", __name__, url_prefix="/recommendations/trials")

GOALS = {"orders": _l("People who buy"), "money": _l("Money a head"), "clicks": _l("People who click an offer")}
GUARDS = {"orders": _l("People who buy"), "money": _l("Money a head"), "unsubscribes": _l("People who unsubscribe")}
ENGINE_NAMES = {
    "automatic": _l("Chosen by itself"), "continue": _l("Go on where they were"), "discover": _l("Something new"),
    "bought_together": _l("Bought together"), "viewed_together": _l("Looked at together"), "up_sell": _l("A better one"),
    "for_you": _l("By their taste"), "buy_again": _l("Bought again and again"), "popular": _l("Popular now"), "newest": _l("New in the shop"),
}  # fmt: skip
SETTINGS = ("engine", "count", "diversity")
"""What the form can change of a place; more can be changed by the API."""
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
        "share": 50, "engine": "", "guards": {"orders": 0},
    }  # fmt: skip
    return _form(values)


@pages.post("/new")
@doors.open_to("member", "offers.edit")
def create():
    """Plan a trial."""
    try:
        trial = trials.create(**_fields())
    except Invalid as error:
        return _form(request.form.to_dict() | {"guards": _guards()}, errors=error.fields), 422
    return frame.go(url_for("recommend_trials.show", trial_id=trial.id))


@pages.get("/<trial_id>")
@doors.open_to("member", "offers.read")
def show(trial_id: str) -> str:
    """One trial: the verdict in words, each arm's figures, and how sure it became over time."""
    trial = trials.one(trial_id)
    found = trial_verdicts.examine(trial, trial_counting.days(trial.id), now=clock.now())
    currency = tenants.settings().currency
    return render_template(
        "recommend/trial.html", trial=trial, found=found, sentence=trial_words.sentence(trial, found), why_paused=trial_words.why_paused(trial),
        arms=[_arm(trial, arm) for arm in found.arms], chart=_chart(trial, found), place_name=offer_words.place_names().get(trial.slot, trial.slot),
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


def _arm(trial: Any, arm: trial_verdicts.Arm) -> dict[str, Any]:
    plan = next(one for one in trial.arms if one["key"] == arm.key)
    what = _("Nothing is shown") if arm.kind == "nothing" else ", ".join(_settings(plan["settings"]))
    band = arm.band if trial_words.sizes_shown(trial) else None
    return {
        "arm": arm, "what": what or _("What the place shows today"), "band": band, "far": trial_statistics.FAR,
        "a_head": round(arm.amount / arm.ended) if arm.ended else None,
    }  # fmt: skip


def _settings(settings: dict[str, Any]) -> list[str]:
    names = {
        "count": _l("How many"), "diversity": _l("Variety"), "category_cap": _l("Most of one category"), "reduced_only": _l("Only what is reduced"),
        "bundle": _l("Bundle"), "fallback": _l("Otherwise"), "not_bought_days": _l("Not bought for days"), "least_stock": _l("Least stock"),
        "least_margin": _l("Least margin"), "unknown_margin": _l("Unknown margin"), "step_least": _l("Least step"), "step_most": _l("Largest step"),
    }  # fmt: skip
    told = []
    for name, value in settings.items():
        if name == "engine":
            told.append(str(ENGINE_NAMES.get(value, value)))
            continue
        shown = (
            ", ".join(map(str, value))
            if isinstance(value, list)
            else (_("yes") if value else _("no"))
            if isinstance(value, bool)
            else value
        )
        told.append(f"{names[name]}: {shown}")
    return told


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
    changed = next((arm for arm in trial.arms[1:] if arm["kind"] == "changed"), {"share": 0, "settings": {}})
    values = trials.plain(trial) | {
        "engine": changed["settings"].get("engine", ""), "count": changed["settings"].get("count"), "diversity": changed["settings"].get("diversity"),
        "share": changed["share"], "holdout": sum(arm["share"] for arm in trial.arms if arm["kind"] == "nothing"),
    }  # fmt: skip
    return _form(values, trial_id=str(trial.id))


@pages.post("/<trial_id>/edit")
@doors.open_to("member", "offers.edit")
def change(trial_id: str):
    """Change a plan."""
    try:
        trials.change(trial_id, **_with_what_the_form_does_not_know(_fields(), trials.one(trial_id).arms))
    except Invalid as error:
        return _form(request.form.to_dict() | {"guards": _guards()}, errors=error.fields, trial_id=trial_id), 422
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


def _form(values: dict[str, Any], *, errors: dict[str, list[str]] | None = None, trial_id: str | None = None) -> str:
    told = {("settings" if name.startswith("arms.") else name): sentences for name, sentences in (errors or {}).items()}
    return render_template(
        "recommend/trial_form.html", values=values, errors=told, trial_id=trial_id, places=offer_words.place_names(), goals=GOALS, guards=GUARDS,
        engines=[(key, ENGINE_NAMES[key]) for key in ENGINES if key in ENGINE_NAMES],
    )  # fmt: skip


def _fields() -> dict[str, Any]:
    """Read the form: today's settings, the changed ones, and perhaps some who are shown nothing."""
    form = request.form
    mode = form.get("mode", "split")
    share, holdout = _number("share") or 0, (_number("holdout") or 0) if mode == "split" else 0
    settings = {"engine": form["engine"]} if form.get("engine") else {}
    settings |= {name: number for name in SETTINGS[1:] if (number := _number(name)) is not None}
    arms: list[dict[str, Any]] = [{"name": "", "share": 50 if mode == "interleaved" else 100 - share - holdout}]
    if settings or not holdout:
        words = ", ".join(_settings(settings))
        arms.append({"name": form.get("arm_name") or words, "share": share, "settings": settings})
    else:
        arms[0]["share"] = 100 - holdout
    if holdout:
        arms.append({"name": "", "share": holdout, "kind": "nothing"})
    return {
        "name": form.get("name", ""), "slot": form.get("slot", ""), "mode": mode, "goal": form.get("goal", ""), "arms": arms,
        "days": _number("days") or 0, "worth_percent": _number("worth_percent") or 0, "guards": _guards(),
    }  # fmt: skip


def _with_what_the_form_does_not_know(fields: dict[str, Any], held: list[dict[str, Any]]) -> dict[str, Any]:
    """Keep settings that a program gave the changed arm, and further changed arms refuse the form: it would drop them.

    Raises BadTrial."""
    changed = [arm for arm in held[1:] if arm["kind"] == "changed"]
    if len(changed) > 1:
        raise trials.BadTrial(fields={"settings": [_("This plan has several changed arms. Change it by the API.")]})
    kept = {name: value for arm in changed for name, value in arm["settings"].items() if name not in SETTINGS}
    for arm in fields["arms"][1:]:
        if arm.get("kind") != "nothing":
            arm["settings"] = kept | arm["settings"]
    return fields


def _guards() -> dict[str, int]:
    """Read the guard rails that are switched on."""
    return {name: _number(f"guard_{name}") or 0 for name in GUARDS if f"watch_{name}" in request.form}


def _number(name: str) -> int | None:
    typed = request.form.get(name, "").strip()
    return int(typed) if typed.isdecimal() and len(typed) < 7 else None
