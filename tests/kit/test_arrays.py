"""Columns as one text each: what comes out of PostgreSQL is what went in, whatever the words hold."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import Text, Uuid, select

from saas.kit import arrays
from saas.kit.db import db

ODD = ['say "hello"', "back\\slash", "{braces}", "a,b", "NULL", "", " ", "né 北京", None]


class TestTable:
    def test_odd_words_come_back_as_they_are(self, tenant):
        ids = [uuid4() for _word in ODD]
        new = arrays.table(id=(ids, Uuid), word=(ODD, Text))
        assert dict(db.session.execute(select(new.c.id, new.c.word)).all()) == dict(zip(ids, ODD, strict=True))

    def test_a_word_that_holds_the_sign_between_words_is_one_word(self, tenant):
        new = arrays.table(word=(["a\x1fb", "c"], Text))
        assert list(db.session.scalars(select(new.c.word))) == ["ab", "c"]
