"""The letter that says that a trial of offers paused by itself, to owners and administrators, each in their language."""

from __future__ import annotations

from saas.recommend import trials
from saas.tenancy import letters, tenants
from saas.tenancy.letter_words import LETTERS, Words

WHAT = {
    "orders": ("fewer people bought", "购买的人更少"), "money": ("people paid less", "人们花的钱更少"),
    "unsubscribes": ("more people unsubscribed", "退订的人更多"),
}  # fmt: skip
LETTERS |= {
    f"offer_trial_{what}": {
        "en": Words(
            "The trial “{trial}” paused by itself", "A trial paused by itself",
            f"in the trial “{{trial}}” of {{company}}, {english} where “{{arm}}” was shown than where everything was as today, and that is "
            "no chance any more. Everybody sees the offers as today again.",
            "See the trial", "You need not answer. You can let it go on, or end it, on its page.",
        ),
        "zh_Hans": Words(
            "试验“{trial}”已自动暂停", "一项试验已自动暂停",
            f"在 {{company}} 的试验“{{trial}}”中，看到“{{arm}}”的人里{chinese}，与保持现状相比已不是偶然。现在所有人看到的推荐都恢复为现状。",
            "查看试验", "无需回复。您可以在试验页面上让它继续或结束它。",
        ),
    }
    for what, (english, chinese) in WHAT.items()
}  # fmt: skip


def write_paused(trial_id: str) -> None:
    """Tell owners and administrators why a trial paused by itself, unless it goes on already."""
    try:
        trial = trials.one(trial_id)
    except trials.NoSuchTrial:
        return
    what = trial.paused_for.get("what")
    if trial.state != "paused" or what not in WHAT:
        return
    arm = next((one["name"] for one in trial.arms if one["key"] == trial.paused_for.get("arm")), "")
    values = {"company": tenants.current().name, "trial": trial.name, "arm": arm}
    letters.write_to_staff(
        f"offer_trial_{what}", roles=("owner", "admin"), path=f"/recommendations/trials/{trial.id}", values=values
    )
