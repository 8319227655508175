"""Heavy SQL that is better read as SQL: `saas/<room>/queries/<noun>.sql`, with a sentence on top that says what it answers."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from sqlalchemy import TextClause, text

SAAS = Path(__file__).parents[1]


@lru_cache(maxsize=256)
def load(path: str) -> TextClause:
    """Return the statement in saas/<path>, such as "insights/queries/cohorts.sql"; parameters are written :name."""
    return text((SAAS / path).read_text(encoding="utf-8"))
