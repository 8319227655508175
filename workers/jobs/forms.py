"""What follows from forms on the shops' pages, and from wishes to be told of a product."""

from __future__ import annotations

from saas.kit import ticks, work
from saas.marketing import form_intake, form_reports, watch_letters, watching
from workers.handing_out import AUTOMATION


def take(*, submission_id: str, **_: object) -> None:
    """Take what somebody sent into the profiles."""
    form_intake.take(submission_id)


def follow_confirmed(*, request_id: str, **_: object) -> None:
    """What was sent by a form is proven by the click in the mail."""
    form_intake.follow_confirmed(request_id)


def ask_watcher(*, watch_id: str, **_: object) -> None:
    """Ask somebody by mail whether it was them."""
    watch_letters.ask(watch_id)


def tell_watcher(*, watch_id: str, **_: object) -> None:
    """Tell somebody that what they wait for is there."""
    watch_letters.tell(watch_id)


def look(*, product_id: str, **_: object) -> None:
    """See who waits for this product."""
    watching.look(product_id)


def fold(*, run_at: str, **_: object) -> None:
    """Write down how often forms were shown and begun."""
    for tenant_id, counted in form_reports.gather().items():
        with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
            form_reports.add(counted)
        form_reports.written_down(tenant_id, counted)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.forms.fold", run_at=run_at)


def sweep(*, run_at: str, **_: object) -> None:
    """Tell the next who wait, and let go of wishes that are over."""
    with work.platform_unit(reason="find companies for whose products somebody waits"):
        tenants = watching.waiting_somewhere()
    for tenant_id in tenants:
        with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
            watching.sweep()
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.forms.sweep", run_at=run_at)
