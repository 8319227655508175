"""What time alone brings: a limit that comes near, a grace that runs out, a card that expires. Looked at every hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from saas.billing import accounts, notices, standing
from saas.billing.events import CardExpiring, GraceEnding
from saas.billing.models import Account
from saas.kit import clock
from saas.kit.events import announce

REMIND = (1, 3, 7)  # days before the grace is over
CARD_SOON = timedelta(days=30)


def look() -> None:
    """Remind the bound company's owners of what is about to happen, each thing once."""
    account = accounts.current()
    if account is not None:
        _remind(account)
        _look_at_card(account)


def _remind(account: Account) -> None:
    if account.standing != "past_due" or account.grace_until is None:
        return
    left = account.grace_until - clock.now()
    if left <= timedelta(0):
        standing.settle(accounts.hold())
        return
    days = next((days for days in REMIND if left <= timedelta(days=days)), None)
    until = account.grace_until.isoformat()
    if days is not None and notices.first(f"grace:{until}:{days}"):
        for more in REMIND:  # whoever was not looked at for days is told once, not three times
            if more > days:
                notices.first(f"grace:{until}:{more}")
        announce(GraceEnding(days=days, until=until))


def _look_at_card(account: Account) -> None:
    month, _slash, year = account.card_expires.partition("/")
    if account.standing not in ("active", "trialing", "past_due") or not (month.isdigit() and year.isdigit()):
        return
    over = datetime(int(year) + int(month) // 12, int(month) % 12 + 1, 1, tzinfo=UTC)
    if over - CARD_SOON <= clock.now() and notices.first(f"card:{account.card}:{account.card_expires}"):
        announce(CardExpiring(card=account.card, expires=account.card_expires))
