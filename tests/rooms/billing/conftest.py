"""What tests of billing share: Stripe's stand-in, a company that pays nothing yet, and a mail server that keeps letters."""

from tests.letters import mailbox
from tests.payments import _box, free_company, payments

__all__ = ["_box", "free_company", "mailbox", "payments"]
