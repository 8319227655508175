"""Long work: what runs in the background, how far it is, and stopping or undoing it. Also the files it leaves behind."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, current_app, g, render_template, request, stream_with_context, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from jinja2 import TemplateNotFound

from saas.customers import duplicate_work
from saas.kit import access, clock, doors, files, scope
from saas.kit import pages as paging
from saas.tenancy import operations
from tenant_admin import frame, settings

pages = Blueprint("operations", __name__)
SHOWN_FAILURES = 50
SHORTEST = 2.0  # seconds before which an estimate would only jump about


@pages.get("/operations")
@doors.open_to("member", "operations.read")
def index() -> str:
    """Show the long work of the company that this member may see, the newest first."""
    page = paging.page(_mine(), order=operations.NEWEST, cursor=request.args.get("cursor"), limit=25)
    return render_template(
        "operations/index.html",
        rows=[_row(one) for one in page.items],
        next=page.next,
        tabs=settings.tabs("operations.index"),
    )


@pages.get("/operations/<operation_id>")
@doors.open_to("member", "operations.read")
def show(operation_id: str) -> str:
    """Show how far an operation is, and what came of it."""
    operation = _one(operation_id)
    failed = paging.page(
        operations.failures(operation.id), order=operations.FAILURE_ORDER, cursor=request.args.get("cursor"), limit=SHOWN_FAILURES,
    ) if operation.failed else None  # fmt: skip
    name = f"operations/{operation.kind.replace('.', '_')}.html"
    return render_template(
        "operations/show.html", operation=_row(operation), report=operation.report, params=operation.params,
        failures=[{"position": one.position, "row": _row_as_text(one.row), "reason": _(one.reason)} for one in failed.items] if failed else [],
        next=failed.next if failed else None, more=name if _exists(name) else None, onward=_onward(operation),
    )  # fmt: skip


def _onward(operation: Any) -> dict[str, str] | None:
    """Return the page where one goes on with what came of an operation, if there is one."""
    if operation.state in operations.GOING:
        return None
    if operation.kind.startswith("imports.") and "import_id" in operation.params:
        return {"label": _("To the import"), "url": url_for("imports.show", import_id=operation.params["import_id"])}
    if operation.kind in (duplicate_work.SCAN, duplicate_work.MERGE):
        return {"label": _("To the duplicates"), "url": url_for("duplicates.index")}
    return None


@pages.post("/operations/<operation_id>/cancel")
@doors.open_to("member", "operations.read", always=True)
def cancel(operation_id: str) -> Any:
    """Have an operation stop after the step it is in."""
    operations.cancel(_one(operation_id).id)
    return frame.go(url_for("operations.show", operation_id=operation_id))


@pages.post("/operations/<operation_id>/undo")
@doors.open_to("member", "operations.read")
def undo(operation_id: str) -> Any:
    """Begin to undo an operation."""
    try:
        operations.undo(_one(operation_id).id)
    except operations.CannotUndo as refusal:
        frame.toast(_(refusal.message), kind="warning")
    return frame.go(url_for("operations.show", operation_id=operation_id))


@pages.get("/files/<file_id>")
@doors.open_to("member", "operations.read")
def download(file_id: str) -> Response:
    """Send a file of the company's to a member who may have it, a part at a time."""
    file = files.one(file_id)
    if file.made_by != str(g.member.id) and not (file.permission and access.may(file.permission)):
        raise files.NoSuchFile
    response = Response(stream_with_context(files.streamed(scope.tenant_id(), file.id)), content_type=file.content_type)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
    response.headers["Content-Length"] = str(file.size)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _mine() -> Any:
    return operations.visible(
        member_id=g.member.id,
        kinds=[kind.name for kind in operations.kinds() if access.may(kind.permission)],
    )


def _one(operation_id: str) -> Any:
    """Return an operation this member began or may see; another's is missing to them."""
    operation = operations.one(operation_id)
    mine = operation.actor_id == str(g.member.id)
    if not mine and not access.may(operations.kind_of(operation).permission):
        raise operations.NoSuchOperation
    return operation


def _row(operation: Any) -> dict[str, Any]:
    back = operation.state == "undoing"
    going = operation.state in operations.GOING
    done = operation.undone if back else operation.done
    total = operation.done if back else operation.total
    return {
        "id": operation.id, "kind": operation.kind, "title": _(operation.title), "state": operation.state, "done": done, "total": total,
        "failed": operation.failed, "error": operation.error, "by": operation.actor_name, "created_at": operation.created_at,
        "ended_at": operation.ended_at, "going": going, "may_undo": operations.may_undo(operation), "undo_until": operation.undo_until,
        "may_cancel": operation.state in ("waiting", "running"), "estimate": estimate(operation) if going else None,
        "result": None if going else _result(operation),
    }  # fmt: skip


def estimate(operation: Any) -> str | None:
    """Say about how long an operation under way still takes."""
    back = operation.state == "undoing"
    done, total = (operation.undone, operation.done) if back else (operation.done, operation.total)
    return None if back else _estimate(operation.started_at, done, total)


def _estimate(started_at: datetime | None, done: int, total: int | None) -> str | None:
    """Say about how long it still takes, as far as the pace until now tells."""
    if started_at is None or not total or not done:
        return None
    passed = (clock.now() - started_at).total_seconds()
    if passed < SHORTEST or done >= total:
        return None
    left = passed / done * (total - done)
    if left < 60:
        return _("less than a minute left")
    minutes = round(left / 60)
    return ngettext("about %(num)s minute left", "about %(num)s minutes left", minutes)


def _result(operation: Any) -> str:
    if operation.state == "undone":
        return ngettext("%(num)s put back", "%(num)s put back", operation.undone)
    if operation.state == "failed":
        return operation.error
    words = ngettext("%(num)s done", "%(num)s done", operation.done)
    if operation.failed:
        words += " · " + ngettext("%(num)s could not be done", "%(num)s could not be done", operation.failed)
    return words + (" · " + _("stopped before the end") if operation.state == "cancelled" else "")


def _row_as_text(row: Any) -> str:
    """Return what a line said that could not be done: its values, without what is empty."""
    values = row.values() if isinstance(row, dict) else row if isinstance(row, list) else [row]
    return " · ".join(str(value) for value in values if value not in (None, ""))


def _exists(template: str) -> bool:
    try:
        current_app.jinja_env.get_template(template)
    except TemplateNotFound:
        return False
    return True
