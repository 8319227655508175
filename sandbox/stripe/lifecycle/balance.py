"""The balance of an account: what each payment, refund and dispute moves, and the payouts that empty it."""

from sandbox.stripe import events, ids
from sandbox.stripe.store import Document
from sandbox.stripe.world import DAY, World

DISPUTE_FEE = 1500


def fee_of(amount: int) -> int:
    """This function will give what taking a payment costs: 1.5 % and 25 of the smallest unit."""
    return round(amount * 0.015) + 25


def book(world: World, *, type: str, source: Document, amount: int, fee: int = 0, identifier: str | None = None) -> str:
    """This function will note one movement and give its id."""
    created = world.now(source)
    made = world.store.add(
        {
            "id": identifier or ids.make("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": created + 2 * DAY,
            "balance_type": "payments",
            "created": created,
            "currency": source["currency"],
            "description": source.get("description"),
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [
                {"amount": fee, "application": None, "currency": source["currency"], "description": "Stripe processing fees",
                 "type": "stripe_fee"}
            ] if fee else [],
            "net": amount - fee,
            "reporting_category": "dispute" if type == "adjustment" else type,
            "source": source["id"],
            "status": "available",
            "type": type,
            "_payout": None,
        }
    )  # fmt: skip
    return made["id"]


def pay_out(world: World, *, currency: str = "eur", status: str = "paid", failure: str | None = None) -> Document:
    """This function will pay out all that was not paid out yet, as the schedule of an account does."""
    waiting = [
        one for one in world.store.find("balance_transaction", currency=currency) if not one["_payout"] and one["type"] != "payout"
    ]  # fmt: skip
    created = world.now()
    made = world.store.add(
        {
            "id": ids.make("po"),
            "object": "payout",
            "amount": sum(one["net"] for one in waiting),
            "application_fee": None,
            "application_fee_amount": None,
            "arrival_date": created + 2 * DAY,
            "automatic": True,
            "balance_transaction": None,
            "created": created,
            "currency": currency,
            "description": "STRIPE PAYOUT",
            "destination": ids.make("ba"),
            "failure_balance_transaction": None,
            "failure_code": failure,
            "failure_message": None,
            "livemode": False,
            "metadata": {},
            "method": "standard",
            "original_payout": None,
            "payout_method": None,
            "reconciliation_status": "completed",
            "reversed_by": None,
            "source_type": "card",
            "statement_descriptor": None,
            "status": status,
            "trace_id": None,
            "type": "bank_account",
        }
    )
    made["balance_transaction"] = book(world, type="payout", source=made, amount=-made["amount"])
    for one in [*waiting, world.store.get("balance_transaction", made["balance_transaction"])]:
        one["_payout"] = made["id"]
    events.emit(world, "payout.created", made)
    if status in ("paid", "failed"):
        events.emit(world, f"payout.{status}", made)
    return made
