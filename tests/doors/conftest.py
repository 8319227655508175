"""What tests of doors share: Stripe's stand-in, and a company that pays nothing yet."""

from tests.letters import mailbox
from tests.payments import _box, free_company, payments

__all__ = ["_box", "free_company", "mailbox", "payments"]
