"""How an import is undone from the history: as from its own page, in the background."""

from __future__ import annotations

from saas.kit.text import gettext as _
from saas.tenancy import operations, undoing
from saas.tenancy.audit import Told


def take_back(told: Told, rest: bool) -> None:
    """Begin to undo the import; raises operations.CannotUndo, or undoing.CannotUndo for one that names no work."""
    operation_id = told.after.get("operation")
    if not operation_id:
        raise undoing.CannotUndo(_("This cannot be undone."))
    operations.undo(operation_id)


undoing.register("imports.done", take_back, permission="customers.edit")
