"""Learning what to offer, keeping the stock of offers fresh, and following what became of them."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial

from saas.kit import partitions, queues, scope, ticks, work
from saas.recommend import attribution, backtest, browsers, fitting, freshness, hands, shoppers, shown, stock, turns

log = logging.getLogger(__name__)
FIT = "workers.jobs.recommend.fit_due"


def refresh_stock(*, product_ids: list[str], **_: object) -> None:
    """Have what changed offered as it is now, or no more."""
    stock.refresh(tenant_id=scope.tenant_id(), product_ids=product_ids)
    freshness.note_news()


def follow_orders(*, order_ids: list[str], customer_ids: list[str], **_: object) -> None:
    """Forget what was known of the buyers, and tie the orders to the offers they followed from."""
    shoppers.forget(tenant_id=scope.tenant_id(), customer_ids=customer_ids)
    attribution.attribute(order_ids)
    freshness.note_news()


def follow_visitors(*, visitors: list[str], **_: object) -> None:
    """Mark the offers these browsers saw, clicked and put into carts."""
    shown.mark(visitors)
    shown.mark_carts(visitors)
    freshness.note_news()


def follow_mail(*, offer_ids: list[str], at: str, clicked: bool, **_: object) -> None:
    """Mark the offers that somebody saw or clicked in a mail."""
    shown.mark_in_mail(offer_ids, at=datetime.fromisoformat(at), clicked=clicked)


def recognise(*, visitors: list[str], **_: object) -> None:
    """Have the offers know whose browsers these are, those shown before too."""
    hands.follow(visitors)
    browsers.refresh(tenant_id=scope.tenant_id(), visitors=visitors)


def follow_merge(
    *, winner_id: str = "", loser_id: str = "", holder_id: str = "", back_id: str = "", **_: object
) -> None:
    """Have the offers forget what they held of customers who became one or were taken apart."""
    shoppers.follow_merge(
        tenant_id=scope.tenant_id(), customer_ids=[one for one in (winner_id, loser_id, holder_id, back_id) if one]
    )
    freshness.note_news()


def fit_soon(**_: object) -> None:
    """Ring for a fit, which takes too long for a reaction's transaction; if the bell is lost the hour brings it."""
    work.after_commit(partial(queues.enqueue, "heavy", FIT, tenant_id=scope.tenant_id()), key="fit")


def fit_due(*, run_at: str | None = None, tenant_id: int | None = None, **_: object) -> None:
    """Fit one company's models, or those of all with news; a company that fails does not keep the others waiting."""
    if tenant_id is not None:
        fit_alone(tenant_id)
        return
    with work.platform_unit(reason="find the companies whose recommendations are out of date"):
        due = freshness.due()
    for one in due:
        try:
            fit_alone(one)
        except Exception:
            log.exception("the models of tenant %s could not be fitted", one)
    if run_at is not None:
        with work.unit(tenant_id=None):
            ticks.done(task=FIT, run_at=run_at)


def fit_alone(tenant_id: int) -> None:
    """Fit unless another worker is at it, and from time to time try what is offered on the past."""
    with turns.taken(f"fitting:{tenant_id}") as mine:
        if mine:
            fitting.fit(tenant_id)
            backtest.repeat(tenant_id)


def write_shown(*, run_at: str, **_: object) -> None:
    """Write what was shown in the last seconds."""
    shown.write_pending()
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.recommend.write_shown", run_at=run_at)


def tidy(*, run_at: str, **_: object) -> None:
    """Make the coming months, follow late clicks once more, and throw away old offers that nobody saw."""
    partitions.ensure("offers_shown")
    with work.platform_unit(reason="list the companies whose offers are followed up"):
        everyone = freshness.known()
    for tenant_id in everyone:
        with work.unit(tenant_id=tenant_id):
            attribution.attribute_recent()
            shown.tidy()
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.recommend.tidy", run_at=run_at)
