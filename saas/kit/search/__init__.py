"""One search for customers, orders, products and all else with a name or a number, whichever engine serves a tenant.

`find` answers the search box. Rooms call `touch` in the transaction of a change; a job calls `write_pending`.
"""

from saas.kit.search.finding import find
from saas.kit.search.ranking import Hit
from saas.kit.search.readers import register
from saas.kit.search.terms import Record
from saas.kit.search.writing import (
    ask_rebuild,
    forget,
    index,
    lag,
    rebuild,
    remove,
    renew,
    touch,
    waiting,
    write_pending,
)

__all__ = [
    "Hit",
    "Record",
    "ask_rebuild",
    "find",
    "forget",
    "index",
    "lag",
    "rebuild",
    "register",
    "remove",
    "renew",
    "touch",
    "waiting",
    "write_pending",
]
