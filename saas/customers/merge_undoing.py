"""How a merge is undone from the toast and from the history, and how taking apart is undone in turn."""

from __future__ import annotations

from saas.customers import merge_tree, merging, unmerging
from saas.kit import records
from saas.kit.text import gettext as _
from saas.tenancy import undoing
from saas.tenancy.audit import Told


def apart(told: Told, rest: bool) -> None:
    """Take the merge of an entry apart; fields that were changed since stand in the way unless `rest`."""
    made = merge_tree.one(told.after.get("merge_id", ""))
    links = dict(made.fields)
    parted = unmerging.unmerge(made.id)
    if parted.kept and not rest:  # raised means rolled back: nothing was done
        known = records.kind("customer").fields()
        raise undoing.InTheWay(
            [undoing.Obstacle(name, str(known[name].label) if name in known else name, links.get(name, {}).get("after", {}).get(name), "", None) for name in parted.kept],
            rest=True,
        )  # fmt: skip


def together(told: Told, rest: bool) -> None:
    """Merge again whom an entry took apart, with the same values kept."""
    made = merge_tree.one(told.after.get("merge_id", ""))
    choices = {name: "loser" for name in made.fields if name != "note"}
    try:
        merging.merge(winner_id=made.winner_id, loser_id=made.loser_id, choices=choices)
    except merging.SameCustomer:
        raise undoing.CannotUndo(_("It is as it was before already.")) from None


undoing.register("customers.merged", apart, permission="customers.delete")
undoing.register("customers.unmerged", together, permission="customers.delete")
