"""Segments as the search box finds them: by their name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select

from saas.audiences.models import Segment
from saas.kit.db import db
from saas.kit.search import Record


def records(ids: Sequence[UUID] | None) -> Iterator[Record]:
    """Yield the records of these segments, or of all."""
    query = select(Segment).order_by(Segment.id)
    if ids is not None:
        query = query.where(Segment.id.in_(ids))
    for segment in db.session.scalars(query.execution_options(yield_per=500)):
        yield Record(kind="segment", id=segment.id, title=segment.name, names=(segment.name,))
