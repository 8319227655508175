"""What a trial says for itself, in one sentence at any moment, for people and for programs."""

from __future__ import annotations

from typing import Any

from saas.kit import access
from saas.kit.text import gettext as _
from saas.recommend.trial_models import OfferTrial
from saas.recommend.trial_verdicts import Findings


def sentence(trial: OfferTrial, found: Findings) -> str:
    """Return the verdict of a trial in words; its size is left out where the reader may not see what orders come to."""
    verdict = found.verdict
    name = next((arm.name for arm in found.arms if arm.key == verdict.arm), "")
    worth = f"{trial.worth_percent}%"
    if trial.state == "draft":
        return _("Not begun yet.")
    if verdict.what == "nobody":
        return _("Nobody has met the trial yet.")
    if verdict.what == "mismatch":
        return _(
            "Do not trust these figures: the arms did not get the people they were meant to get, and that is no chance. "
            "Something loses people of one arm."
        )
    if verdict.what == "same":
        return _("No difference that matters: “%(name)s” is within %(worth)s of today.", name=name, worth=worth)
    if verdict.what == "open":
        return too_early(found.more_days, f"{trial.worth_percent}%")
    if not sizes_shown(trial) or verdict.estimate is None:
        return _("“%(name)s” wins.", name=name) if verdict.what == "better" else _("“%(name)s” does worse.", name=name)
    estimate, least = verdict.estimate, verdict.low if verdict.what == "better" else verdict.high
    values = {"name": name, "size": percent(abs(estimate)), "least": percent(abs(least or 0.0))}
    return _WON[trial.goal][verdict.what](values)


_WON = {
    "orders": {
        "better": lambda values: _("“%(name)s” wins: %(size)s more people buy, %(least)s at least.", **values),
        "worse": lambda values: _("“%(name)s” does worse: %(size)s fewer people buy, %(least)s at least.", **values),
    },
    "clicks": {
        "better": lambda values: _("“%(name)s” wins: %(size)s more people click, %(least)s at least.", **values),
        "worse": lambda values: _("“%(name)s” does worse: %(size)s fewer people click, %(least)s at least.", **values),
    },
    "money": {
        "better": lambda values: _("“%(name)s” wins: %(size)s more money a head, %(least)s at least.", **values),
        "worse": lambda values: _("“%(name)s” does worse: %(size)s less money a head, %(least)s at least.", **values),
    },
}  # fmt: skip


def too_early(more_days: int | None, worth: str) -> str:
    """Return why nothing is known yet, and in about how many days it may be; None where that cannot be told."""
    if more_days is None:
        return _("Too early to tell: too few people have done anything yet.")
    if more_days > 365:
        return _(
            "Too early to tell, and at this pace it takes more than a year to find a difference of %(worth)s.",
            worth=worth,
        )
    return _(
        "Too early to tell: about %(days)s more days at this pace, to find a difference of %(worth)s.",
        days=more_days, worth=worth,
    )  # fmt: skip


def why_paused(trial: OfferTrial) -> str:
    """Return why a trial is paused, empty where it is not."""
    if trial.state != "paused":
        return ""
    arm = next((one["name"] for one in trial.arms if one["key"] == trial.paused_for.get("arm")), "")
    told = {
        "orders": _("It paused by itself: surely fewer people bought with “%(arm)s” than today.", arm=arm),
        "money": _("It paused by itself: people surely paid less with “%(arm)s” than today.", arm=arm),
        "unsubscribes": _("It paused by itself: surely more people unsubscribed with “%(arm)s” than today.", arm=arm),
    }
    return told.get(trial.paused_for.get("what", ""), _("Somebody paused it. Everybody sees what they see today."))


def sizes_shown(trial: OfferTrial) -> bool:
    """Return whether the reader may see how large differences are: those of money only with what orders come to."""
    return trial.goal != "money" or access.readable("order", "total")


def percent(share: float) -> str:
    """Write a share as percent, as programs and mails have it too."""
    return f"{share * 100:.1f}%"


def hidden_money() -> bool:
    return not access.readable("order", "total")


def blank(values: dict[str, Any]) -> dict[str, Any]:
    """Return an arm's figures without money where that may not be seen."""
    if hidden_money():
        return values | {"amount": None, "a_head": None, "payers": None}
    return values
