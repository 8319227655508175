"""Time passing: what falls due next, for everything on one test clock or on the real one, and doing it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.stripe import errors, events
from sandbox.stripe.lifecycle import collecting, ending, invoicing, lines, methods, periods, subscribing
from sandbox.stripe.store import Document
from sandbox.stripe.world import DAY, World

HOUR = 3600
RUNNING = ("active", "past_due", "unpaid")


@dataclass(frozen=True)
class Due:
    at: int
    act: Callable[[World, Document], None]
    document: Document


def dues(world: World, clock: str | None) -> Iterator[Due]:
    """This function will yield what each object of a clock waits for."""
    kinds = world.store.kinds
    for subscription in kinds.get("subscription", {}).values():
        if subscription["test_clock"] == clock:
            yield from subscription_dues(world, subscription)
    for invoice in kinds.get("invoice", {}).values():
        if invoice["test_clock"] == clock:
            yield from invoice_dues(invoice)
    for session in kinds.get("checkout.session", {}).values():
        if session["status"] == "open" and session["_clock"] == clock:
            yield Due(session["expires_at"], expire_session, session)


def subscription_dues(world: World, subscription: Document) -> Iterator[Due]:
    """This function will yield the next turning points of a subscription."""
    status = subscription["status"]
    if status in ("canceled", "incomplete_expired"):
        return
    if status == "incomplete":
        yield Due(subscription["created"] + 23 * HOUR, collecting.expire, subscription)
        return
    if subscription["cancel_at"]:
        yield Due(subscription["cancel_at"], end_as_planned, subscription)
    if (subscription["pause_collection"] or {}).get("resumes_at"):
        yield Due(subscription["pause_collection"]["resumes_at"], collect_again, subscription)
    if status == "trialing":
        if subscription.get("_warned") != subscription["trial_end"]:
            warn_at = max(subscription["trial_end"] - 3 * DAY, subscription["created"])
            yield Due(warn_at, warn_of_trial_end, subscription)
        yield Due(subscription["trial_end"], end_trial, subscription)
    elif status in RUNNING:
        end = subscribing.period_end(subscription)
        notice = end - world.rules.upcoming_days * DAY
        started = subscription["items"]["data"][0]["current_period_start"]
        if subscription.get("_upcoming") != end and notice > started and not subscription["cancel_at"]:
            yield Due(notice, announce_upcoming, subscription)
        yield Due(end, renew, subscription)


def invoice_dues(invoice: Document) -> Iterator[Due]:
    """This function will yield when a draft closes itself, a card is tried again and a bill is overdue."""
    if invoice["status"] == "draft" and invoice["auto_advance"] and invoice["automatically_finalizes_at"]:
        yield Due(invoice["automatically_finalizes_at"], close_draft, invoice)
    if invoice["status"] == "open" and invoice["next_payment_attempt"]:
        yield Due(invoice["next_payment_attempt"], try_again, invoice)
    if invoice["status"] == "open" and invoice["due_date"] and not invoice.get("_overdue"):
        yield Due(invoice["due_date"], fall_overdue, invoice)


def next_due(world: World, clock: str | None) -> Due | None:
    """This function will give what comes first."""
    return min(dues(world, clock), key=lambda due: due.at, default=None)


def run_until(world: World, clock: Document | None, moment: int) -> int:
    """This function will do everything due up to a moment, in order, moving a test clock along; it gives how many."""
    done = 0
    while (due := next_due(world, clock and clock["id"])) and due.at <= moment:
        if clock:
            world.store.get(clock["object"], clock["id"])
            clock["frozen_time"] = max(clock["frozen_time"], due.at)
        document = world.store.get(due.document["object"], due.document["id"])
        due.act(world, document or due.document)
        done += 1
        if done > 20_000:
            raise errors.Refused("Too much falls due in this time; advance in smaller steps.", status=500)
    return done


def renew(world: World, subscription: Document) -> None:
    """This function will begin the next period with a draft that closes itself in an hour."""
    if subscription["cancel_at_period_end"]:
        end_as_planned(world, subscription)
        return
    price = world.one("price", subscription["items"]["data"][0]["price"])
    start = subscribing.period_end(subscription)
    with events.changing(world, subscription, "customer.subscription.updated"):
        end = periods.end_after(
            subscription["billing_cycle_anchor"],
            start=start,
            interval=price["recurring"]["interval"],
            count=price["recurring"]["interval_count"],
        )
        subscribing.roll(subscription, start=start, end=end)
        bill_cycle(world, subscription)


def bill_cycle(world: World, subscription: Document) -> None:
    """This function will draft the invoice of a new period and say when it closes."""
    invoice = invoicing.bill_now(world, subscription=subscription, reason="subscription_cycle", periods_too=True)
    paused = subscription["pause_collection"]
    if subscription["status"] == "unpaid" or (paused and paused["behavior"] == "keep_as_draft"):
        invoice["auto_advance"] = False
        return
    invoice["automatically_finalizes_at"] = world.now(invoice) + HOUR


def close_draft(world: World, invoice: Document) -> None:
    """This function will finalize a draft whose hour is over and collect it, unless collection is paused."""
    invoice["automatically_finalizes_at"] = None
    subscription = invoicing.subscription_of(world, invoice)
    behaviour = ((subscription or {}).get("pause_collection") or {}).get("behavior")
    if behaviour in ("void", "mark_uncollectible"):
        invoicing.finalize(world, invoice)
        (collecting.void if behaviour == "void" else collecting.write_off)(world, invoice)
        return
    collecting.advance(world, invoice)


def try_again(world: World, invoice: Document) -> None:
    """This function will make the next planned try at the card."""
    invoice["next_payment_attempt"] = None
    collecting.attempt(world, invoice)


def fall_overdue(world: World, invoice: Document) -> None:
    """This function will note that a bill was not paid in time."""
    invoice["_overdue"] = True
    events.emit(world, "invoice.overdue", invoice)
    subscription = invoicing.subscription_of(world, invoice)
    if subscription and subscription["status"] == "active":
        with events.changing(world, subscription, "customer.subscription.updated"):
            subscription["status"] = "past_due"


def warn_of_trial_end(world: World, subscription: Document) -> None:
    """This function will tell, three days before, that a trial ends."""
    subscription["_warned"] = subscription["trial_end"]
    events.emit(world, "customer.subscription.trial_will_end", subscription)


def end_trial(world: World, subscription: Document) -> None:
    """This function will end a trial: billing starts, or without a card what the trial's settings say."""
    customer = world.customer_of(subscription)
    without_card = methods.chosen(world, subscription, customer) is None
    wish = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if subscription["cancel_at_period_end"]:
        end_as_planned(world, subscription)
    elif without_card and wish == "cancel":
        ending.end(world, subscription, reason="payment_failed")
    elif without_card and wish == "pause":
        with events.changing(world, subscription, "customer.subscription.updated"):
            subscription["status"] = "paused"
        events.emit(world, "customer.subscription.paused", subscription)
    else:
        price = world.one("price", subscription["items"]["data"][0]["price"])["recurring"]
        start = subscription["trial_end"]
        with events.changing(world, subscription, "customer.subscription.updated"):
            subscription["status"] = "active"
            end = periods.add(start, interval=price["interval"], count=price["interval_count"])
            subscribing.roll(subscription, start=start, end=end)
            bill_cycle(world, subscription)


def announce_upcoming(world: World, subscription: Document) -> None:
    """This function will tell some days before that an invoice is coming."""
    subscription["_upcoming"] = subscribing.period_end(subscription)
    latest = subscription["latest_invoice"]
    coming = invoicing.draft(
        world, customer=world.customer_of(subscription), currency=subscription["currency"], reason="upcoming",
        subscription=subscription,
    )  # fmt: skip
    lines.add_subscription_lines(world, coming, subscription)
    invoicing.total_up(world, coming)
    coming["next_payment_attempt"] = subscribing.period_end(subscription) + HOUR
    events.emit(world, "invoice.upcoming", coming)
    event = max(world.store.kinds["event"].values(), key=lambda one: one["_seq"])
    world.store.get("event", event["id"])["data"]["object"].pop("id")
    world.store.drop(coming)
    subscription["latest_invoice"] = latest


def end_as_planned(world: World, subscription: Document) -> None:
    """This function will cancel on the day that was set."""
    ending.end(world, subscription, reason="cancellation_requested")


def collect_again(world: World, subscription: Document) -> None:
    """This function will end a pause of collection."""
    with events.changing(world, subscription, "customer.subscription.updated"):
        subscription["pause_collection"] = None


def expire_session(world: World, session: Document) -> None:
    """This function will close a Checkout page that nobody finished."""
    session |= {"status": "expired", "url": None}
    events.emit(world, "checkout.session.expired", session)
