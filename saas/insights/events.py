"""What happens to figures."""

from __future__ import annotations

from saas.kit.events import event


@event
class ReportsWanted:
    """Somebody looks at figures over very many orders; they are to be worked out anew. `key` names the orders looked at."""

    key: str
