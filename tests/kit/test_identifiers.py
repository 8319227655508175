"""Ids that are written at once are ids like the others."""

from __future__ import annotations

from uuid import UUID

from saas.kit import clock, identifiers


def test_ids_that_are_written_at_once_are_uuids_of_this_moment_and_none_is_twice():
    before = identifiers.floor(clock.now())
    written = identifiers.texts(500)
    ids = [UUID(one) for one in written]
    assert len(set(ids)) == 500
    assert [str(one) for one in ids] == written
    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}
    assert before <= min(ids) and max(ids) < UUID(int=identifiers.floor(clock.now()).int + (1 << 80))
