"""What tests of companies and their people share: a mail server that keeps what it is given."""

from tests.letters import mailbox

__all__ = ["mailbox"]
