"""Files of a company: written in pieces, read in any order, never seen by another company, gone after their time."""

from __future__ import annotations

import io
import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saas.kit import clock, files, work


def kept(company, data: bytes, piece: int = 100_000, **about):
    with work.unit(tenant_id=company.tenant_id):
        pieces = (data[at : at + piece] for at in range(0, len(data), piece))
        return files.write(pieces, name="list.csv", **about).id


DATA = random.Random(7).randbytes(2 * files.PART + 12_345)


@pytest.mark.parametrize("piece", [1000, 65_536, files.PART, 3 * files.PART])
def test_what_is_written_in_pieces_is_read_back_whole(company, context, piece):
    file_id = kept(company, DATA, piece)
    with work.unit(tenant_id=company.tenant_id):
        assert b"".join(files.chunks(file_id)) == DATA
        assert files.one(file_id).size == len(DATA)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, len(DATA) + 10), st.integers(0, 200_000)), max_size=6))
def test_reading_anywhere_is_like_reading_memory(company, context, steps):
    file_id = kept(company, DATA)
    with work.unit(tenant_id=company.tenant_id):
        mine, theirs = files.open(file_id), io.BytesIO(DATA)
        for place, size in steps:
            mine.seek(place), theirs.seek(place)
            assert mine.read(size) == theirs.read(size)
            assert mine.tell() == theirs.tell()


def test_a_file_that_grows_too_large_is_refused(company, context):
    with pytest.raises(files.TooLarge):
        kept(company, DATA, most=len(DATA) - 1)


def test_what_was_not_finished_is_no_file(company, context):
    with work.unit(tenant_id=company.tenant_id):
        writer = files.writer(name="half.csv")
        writer.write(b"half")
        file_id = writer.file.id
    with pytest.raises(files.NoSuchFile), work.unit(tenant_id=company.tenant_id):
        files.one(file_id)


def test_another_company_does_not_see_it(company, other_company, context):
    file_id = kept(company, b"ours")
    with pytest.raises(files.NoSuchFile), work.unit(tenant_id=other_company.tenant_id):
        files.one(file_id)
    with work.unit(tenant_id=other_company.tenant_id):
        assert files.part(file_id, 0) is None


def test_its_time_ends(company, context):
    file_id = kept(company, b"old", keep=timedelta(seconds=-1))
    with pytest.raises(files.NoSuchFile), work.unit(tenant_id=company.tenant_id):
        files.one(file_id)
    with work.platform_unit(reason="test"):
        assert files.tidy() >= 1
    with work.unit(tenant_id=company.tenant_id):
        assert files.part(file_id, 0) is None
    assert clock.now()
