"""What a handler needs to act: the documents, the time, the rules of this account, and who is asking."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe import errors
from sandbox.stripe.store import Document, Store

DAY = 86_400


@dataclass(frozen=True)
class Rules:
    """What one would set in the account's dashboard."""

    retry_days: tuple[int, ...] = (1, 1, 2, 2, 2, 2, 2, 2)
    after_dunning: str = "canceled"
    upcoming_days: int = 7
    webhook_delays: tuple[float, ...] = (1, 2, 5, 15, 60, 300, 1800, 3600, 10800, 43200)
    business: str = "Regulars"


@dataclass
class World:
    store: Store
    base_url: str
    rules: Rules = field(default_factory=Rules)
    lock: threading.RLock = field(default_factory=threading.RLock)
    request: dict[str, Any] = field(default_factory=lambda: {"id": None, "idempotency_key": None})
    listeners: list[Callable[[], None]] = field(default_factory=list)
    shops: dict[str, Any] = field(default_factory=dict)
    shop: Any = None

    @contextmanager
    def turn(self, *, reading: bool = False) -> Iterator[None]:
        """This function will run one request or one tick alone, and keep or undo all that it wrote."""
        with self.lock:
            try:
                yield
            except errors.Refused as refusal:
                self.store.commit() if refusal.keeps else self.store.rollback()
                raise
            except BaseException:
                self.store.rollback()
                raise
            else:
                self.store.commit(reading=reading)
            finally:
                self.request = {"id": None, "idempotency_key": None}
        for listener in self.listeners:
            listener()

    def now(self, owner: Document | None = None) -> int:
        """This function will give the time, in seconds, that an object lives in: its test clock's, or ours."""
        clock_id = (owner or {}).get("test_clock") or (owner or {}).get("_clock")
        if clock_id and (clock := self.store.get("test_helpers.test_clock", clock_id)):
            return clock["frozen_time"]
        return int(time.time())

    def one(self, kind: str, identifier: str | None, *, param: str | None = None) -> Document:
        """This function will give the live document or refuse: 404 for the path's id, 400 for one in a parameter."""
        document = self.store.get(kind, identifier)
        if document is None or document.get("deleted"):
            raise errors.missing(kind, identifier or "", param=param or "id", status=400 if param else 404)
        return document

    def customer_of(self, document: Document) -> Document:
        """This function will give the customer whom an object belongs to."""
        customer = self.store.get("customer", document["customer"])
        if customer is None:
            raise errors.missing("customer", str(document["customer"]), param="customer", status=400)
        return customer
