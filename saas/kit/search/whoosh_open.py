"""Which Whoosh indexes this process has open: the last used, so that files stay few however many tenants there are."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Opened:
    """A searcher on one state of a tenant's index. Whoosh's readers are for one thread at a time, hence the lock."""

    place: Path
    index: Any
    generation: int
    searcher: Any
    lock: threading.Lock = field(default_factory=threading.Lock)
    closed: bool = False

    def close(self) -> None:
        with self.lock:
            if not self.closed:
                self.closed = True
                self.searcher.close()


class Searchers:
    """At most `most` open searchers; `open_one(tenant_id, held)` opens a new one or freshens the one that is held."""

    def __init__(self, open_one: Callable[[int, Opened | None], Opened], *, most: int) -> None:
        self._open_one = open_one
        self._most = most
        self._held: OrderedDict[int, Opened] = OrderedDict()
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __len__(self) -> int:
        return len(self._held)

    @contextmanager
    def use(self, tenant_id: int) -> Iterator[Opened]:
        """Lend the tenant's searcher, which sees every commit made before this moment by any process."""
        while True:
            opened = self._take(tenant_id)
            with opened.lock:
                if opened.closed:
                    continue
                fresh = self._open_one(tenant_id, opened)
                if fresh is opened:
                    yield opened
                    return
            self._hold(tenant_id, fresh)

    def close(self, tenant_id: int | None = None) -> None:
        """Close one tenant's searcher, or all."""
        with self._lock:
            gone = [self._held.pop(one) for one in list(self._held) if tenant_id in (None, one)]
        for opened in gone:
            opened.close()

    def _take(self, tenant_id: int) -> Opened:
        with self._lock:
            if self._process != os.getpid():  # a forked child shares file positions with its parent: it opens its own
                self._held.clear()
                self._process = os.getpid()
            if tenant_id in self._held:
                self._held.move_to_end(tenant_id)
                return self._held[tenant_id]
        opened = self._open_one(tenant_id, None)
        self._hold(tenant_id, opened)
        return opened

    def _hold(self, tenant_id: int, opened: Opened) -> None:
        with self._lock:
            gone = [self._held.pop(tenant_id)] if tenant_id in self._held else []
            self._held[tenant_id] = opened
            while len(self._held) > self._most:
                gone.append(self._held.popitem(last=False)[1])
        for old in gone:
            old.close()
