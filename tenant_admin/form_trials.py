"""The pages of trials of forms: planning variants, watching what comes of them, and taking over what won."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.commerce import coupons
from saas.kit import access, doors, errors, work
from saas.marketing import form_content, form_trial_results, form_trials, forms
from saas.recommend import trial_statistics
from saas.tenancy import audit
from tenant_admin import form_fields, frame

pages = Blueprint("form_trials", __name__)
GOALS = {"sent": _l("People who fill it in"), "confirmed": _l("People who confirm"), "bought": _l("People who buy")}
LETTERS = ("b", "c")
SHARES = {2: (50, 50), 3: (34, 33, 33)}
TRIGGERS = ("seconds", "scroll", "exit", "cart_over")
LOOKS = ("accent", "picture")
COUPON = ("coupon", "coupon_id")
DRAWN_AT_MOST = 2.0  # a difference beyond which the picture is cut off


@pages.get("/marketing/forms/<form_id>/trial")
@doors.open_to("member", "campaigns.read")
def show(form_id: UUID | str) -> ResponseReturnValue:
    """Show a form's last trial: the verdict in words, each variant's figures, and how sure it became over time."""
    form = forms.one(form_id)
    trial = form_trials.newest(form.id)
    if trial is None:
        return render_template("forms/trial.html", form=form, trial=None, may_edit=access.may("campaigns.edit"))
    found = form_trial_results.examine(trial)
    arms = [
        {"arm": arm, "band": arm.band, "what": _different(plan["content"])}
        for arm, plan in zip(found.arms, trial.arms, strict=True)
    ]
    won = found.verdict.what == "better" and trial.state != "draft" and not trial.taken_arm
    return render_template(
        "forms/trial.html", form=form, trial=trial, found=found, arms=arms, sentence=form_trial_results.sentence(trial, found),
        chart=_chart(trial, found), goals=GOALS, far=trial_statistics.FAR, may_edit=access.may("campaigns.edit"), may_send=access.may("campaigns.send"),
        winner=next((arm for arm in found.arms if won and arm.key == found.verdict.arm), None), lacking=form.state != "live",
    )  # fmt: skip


def _different(content: dict[str, Any]) -> str:
    names = {"texts": _("Words"), "look": _("Looks"), "after": _("Afterwards"), "rules": _("When it is shown")}
    return ", ".join(names[name] for name in content) or _("The form as it is")


def _chart(trial: Any, found: form_trial_results.Findings) -> dict[str, Any] | None:
    """Draw how far off each variant's difference may be, day by day."""
    lines = [arm for arm in found.arms[1:] if arm.curve]
    days = sorted({point[0] for arm in lines for point in arm.curve})
    if len(days) < 2:
        return None
    series = []
    for arm in lines:
        by_day = {day: (low, estimate, high) for day, low, estimate, high in arm.curve}
        points = [by_day.get(day) for day in days]
        series.append({
            "name": arm.name, "values": [_cut(point[1]) if point else None for point in points],
            "interval": [[_cut(point[0]), _cut(point[2])] if point else None for point in points],
        })  # fmt: skip
    return {
        "title": _("The difference from the form as it is, and how far off it may still be"),
        "data": {"x": [day.isoformat() for day in days], "x_name": _("Day"), "y_name": str(GOALS[trial.goal]), "series": series},
    }  # fmt: skip


def _cut(share: float) -> float:
    return round(max(min(share, DRAWN_AT_MOST), -1.0), 4)


@pages.route("/marketing/forms/<form_id>/trial/new", methods=["GET", "POST"])
@doors.open_to("member", "campaigns.edit")
def plan(form_id: UUID | str) -> ResponseReturnValue:
    """Ask what is different in the variants, beginning with the form as it is; then keep the plan."""
    form = forms.one(form_id)
    if request.method == "GET":
        return _form(
            form, {letter: {"name": "", "content": form.content} for letter in LETTERS}, {}, goal="sent", worth=10
        )
    variants = {letter: _typed(letter, form.content) for letter in LETTERS}
    given = [one for letter, one in variants.items() if letter == LETTERS[0] or one["content"]]
    shares = SHARES[len(given) + 1]
    arms = [{"name": "", "share": shares[0]}, *({**one, "share": share} for one, share in zip(given, shares[1:], strict=True))]  # fmt: skip
    goal, worth = request.form.get("goal", "sent"), request.form.get("worth_percent", "")
    try:
        form_trials.create(
            form.id, arms=arms, goal=goal, worth_percent=int(worth) if worth.isdecimal() and len(worth) < 5 else 0
        )
    except errors.Invalid as error:
        work.forget()
        held = forms.one(form_id)
        written = {
            letter: {"name": one["name"], "content": {**held.content, **one["content"]}}
            for letter, one in variants.items()
        }
        return _form(held, written, error.fields, goal=goal, worth=worth), error.status
    return frame.go(url_for("form_trials.show", form_id=form_id))


def _typed(letter: str, content: dict[str, Any]) -> dict[str, Any]:
    """Read one variant: the parts that are different from the form, each whole."""
    said = content.get("texts") or {}
    texts = {
        code: {**said.get(code, {}), **{part: request.form.get(f"{letter}.text.{code}.{part}", "") for part in ("title", "text", "button", "thanks")}}
        for code, _name in form_fields.tongues()
    }  # fmt: skip
    whole = {
        "texts": {**said, **texts},
        "look": {**(content.get("look") or {}), **_of(letter, "look", LOOKS)},
        "after": {**(content.get("after") or {}), **_of(letter, "after", COUPON)},
        "rules": {**(content.get("rules") or {}), **_of(letter, "rules", TRIGGERS)},
    }
    try:
        read = form_content.read(whole, held=content)
    except form_content.BadForm:
        read = whole  # the room says what is wrong, with its place
    name = request.form.get(f"{letter}.name", "")
    return {"name": name, "content": {part: whole[part] for part in whole if read[part] != content.get(part)}}


def _of(letter: str, part: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return what was typed of a part; fields that the page did not have stay as they are."""
    held = {name: request.form.get(f"{letter}.{part}.{name}") for name in names}
    there = f"{letter}.{part}" in request.form.getlist("has")
    return {name: value or "" for name, value in held.items() if value is not None or (there and name == "exit")}


def _form(form: Any, variants: dict[str, Any], problems: dict[str, list[str]], *, goal: str, worth: Any) -> str:
    return render_template(
        "forms/trial_form.html", form=form, variants=variants, problems=problems, goal=goal, worth=worth, goals=list(GOALS.items()),
        tongues=form_fields.tongues(), coupons=[(str(one.id), one.name) for one in coupons.open_ones()], labels=_labels(problems),
    )  # fmt: skip


def _labels(problems: dict[str, list[str]]) -> dict[str, str]:
    names = {"texts": _("Words"), "look": _("Looks"), "after": _("Afterwards"), "rules": _("When it is shown")}
    found = {"arms": _("What is tried"), "worth_percent": _("The smallest difference that matters")}
    for place in problems:
        parts = place.split(".")
        if len(parts) > 2 and parts[0] == "arms":
            found[place] = " · ".join(
                [
                    _("Variant %(letter)s", letter=form_trials.KEYS[int(parts[1])].upper()),
                    *(names[one] for one in parts[3:4] if one in names),
                ]
            )
    return found


@pages.post("/marketing/form-trials/<form_trial_id>/start")
@doors.open_to("member", "campaigns.send")
def start(form_trial_id: UUID | str) -> ResponseReturnValue:
    """Begin a trial."""
    return _moved(form_trials.start(form_trial_id), _("The trial runs."))


@pages.post("/marketing/form-trials/<form_trial_id>/stop")
@doors.open_to("member", "campaigns.send")
def stop(form_trial_id: UUID | str) -> ResponseReturnValue:
    """End a trial."""
    return _moved(form_trials.stop(form_trial_id), _("The trial has ended. Its figures stay."))


@pages.post("/marketing/form-trials/<form_trial_id>/take-over")
@doors.open_to("member", "campaigns.send")
def take_over(form_trial_id: UUID | str) -> ResponseReturnValue:
    """Make a variant the form itself."""
    trial = form_trials.take_over(form_trial_id, request.form.get("arm", ""))
    return _moved(trial, _("Everybody gets it from now on."), undo=frame.undo_url(audit.latest()))


@pages.post("/marketing/form-trials/<form_trial_id>/delete")
@doors.open_to("member", "campaigns.edit")
def delete(form_trial_id: UUID | str) -> ResponseReturnValue:
    """Throw a plan away."""
    form_id = form_trials.one(form_trial_id).form_id
    form_trials.discard(form_trial_id)
    frame.toast(_("The plan is thrown away."))
    return frame.go(url_for("forms.show", form_id=form_id))


def _moved(trial: Any, words: str, **more: Any) -> ResponseReturnValue:
    frame.toast(words, **more)
    return frame.go(url_for("form_trials.show", form_id=trial.form_id))
