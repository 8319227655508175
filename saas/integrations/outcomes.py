"""What becomes of the rows of an import, in a trial as in earnest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from saas.integrations.import_rows import Parsed

STATES = ("created", "updated", "unchanged", "repeated", "skipped", "failed")
"""repeated: the file names the record more than once; skipped: the options leave it out."""


@dataclass(slots=True)
class Outcome:
    """What becomes of one row, of which record, and why not. `likely` is (customer, `evidence.Judged`) of who it may be too."""

    row: Parsed
    state: str
    record_id: UUID | None = None
    reason: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    likely: Any = None


@dataclass
class Decided:
    """What is to be done with some rows. `keys` are what records are known by within the file, for trials."""

    outcomes: list[Outcome] = field(default_factory=list)
    work: Any = None

    def counts(self) -> Counter[str]:
        return Counter(outcome.state for outcome in self.outcomes)

    def failed(self) -> list[tuple[int, Any, str]]:
        return [(one.row.line, one.row.cells, one.reason) for one in self.outcomes if one.state == "failed"]
