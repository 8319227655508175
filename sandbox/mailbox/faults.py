"""Refusals on demand, so that bounces and retries can be tried without a mail server that is really broken.

The local part of the recipient says what goes wrong, as the whole local part or after a plus:
`bounce@example.com`, `ada+bounce@example.com`. A number behind the word makes the fault pass after so many
tries: `ada+soft2@example.com` is refused twice and then taken.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What the server answers, and when in the conversation it does so."""

    answer: str
    at_data: bool = False
    hangs_up: bool = False


FAULTS = {
    "bounce": Fault("550 5.1.1 No such mailbox here"),
    "full": Fault("552 5.2.2 The mailbox is full"),
    "soft": Fault("451 4.3.0 Try again later"),
    "defer": Fault("421 4.7.0 Too many mails from you, closing the connection", hangs_up=True),
    "reject": Fault("554 5.7.1 The content looks like spam", at_data=True),
}
WORD = re.compile(rf"(?:^|\+)({'|'.join(FAULTS)})(\d*)$", re.IGNORECASE)


class Faults:
    """The faults of a running server, which remembers how often each address has failed."""

    def __init__(self):
        self.failures = {}

    def for_address(self, address):
        """This function will return the fault that is due for `address` now, or None when it is taken."""
        found = WORD.search(address.rpartition("@")[0])
        if not found:
            return None
        word, times = found.group(1).lower(), found.group(2)
        if times:
            failed = self.failures.get(address.lower(), 0)
            if failed >= int(times):
                return None
            self.failures[address.lower()] = failed + 1
        return FAULTS[word]
