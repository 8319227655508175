"""What all parts of the API share: lists with cursors, bulk results, and fields that several of them use."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from saas.commerce import shops
from saas.kit import failures, money, pages

MOST_ITEMS = 1000


class Shape(Schema):
    """A schema that refuses fields it does not know, so that a misspelt one is noticed."""

    class Meta:
        unknown = RAISE


class ListQuery(Shape):
    """How a list is asked for."""

    limit = fields.Integer(
        load_default=pages.LIMIT,
        validate=validate.Range(1, pages.MOST),
        metadata={"description": "rows a page, up to 200"},
    )
    cursor = fields.String(load_default=None, metadata={"description": "`next` of the page before"})


class Money(fields.String):
    """An amount of money as a decimal text, such as "12.50"; numbers are taken too."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            money.parse_micros(value)
        except (money.NotMoney, TypeError):
            raise ValidationError("This is not an amount of money, such as 12.50.") from None
        return str(value)


class Text(fields.String):
    """A text without null bytes and of bounded length."""

    def __init__(self, most: int = 500, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(max=most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        found = super()._deserialize(value, attr, data, **kwargs)
        if "\x00" in found:
            raise ValidationError("A text cannot hold a null character.")
        return found


class Trouble(Schema):
    """What is wrong, for programs (code) and people (message), and with which field."""

    code = fields.String()
    message = fields.String()
    fields_ = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), data_key="fields")


class Failure(Schema):
    """The one shape of everything that is not done."""

    error = fields.Nested(Trouble)


class BulkResult(Schema):
    """What became of one item of a bulk request."""

    index = fields.Integer()
    id = fields.UUID(allow_none=True)
    status = fields.String(
        metadata={"description": "created, updated, unchanged, stale, left_out (a test order) or failed"}
    )
    error = fields.String()


class BulkAnswer(Schema):
    """What became of each item, in the order they were sent."""

    items = fields.List(fields.Nested(BulkResult))


@cache
def bulk_of(item: type[Schema]) -> type[Schema]:
    """Return the schema of a bulk request of such items."""
    return Shape.from_dict(
        {"items": fields.List(fields.Dict(), required=True, validate=validate.Length(1, MOST_ITEMS)),
         "shop_id": fields.UUID(load_default=None, metadata={"description": "the shop these come from"})},
        name=f"{item.__name__}Bulk",
    )  # fmt: skip


def file_of(*content_types: str) -> dict[str, Any]:
    """Return how an answer is described that is a file of one of these types; clients that are made of it take it as bytes."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        "200": {
            "description": "The file",
            "content": dict.fromkeys(("application/octet-stream", *content_types), binary),
        }
    }


TABLES = ("text/csv", "application/x-ndjson", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
FILES = file_of(*TABLES, "application/vnd.apache.parquet", "application/zip")
"""What long work leaves behind: tables of each format, and a person's data."""


def source_of(body: dict[str, Any]) -> UUID:
    """Return the shop a bulk request names, which must be the tenant's own, or no source."""
    return shops.one(body["shop_id"]).id if body.get("shop_id") else UUID(int=0)


@cache
def page_of(item: type[Schema]) -> type[Schema]:
    """Return the schema of a page of such items."""
    return Schema.from_dict(
        {"items": fields.List(fields.Nested(item)), "next": fields.String(allow_none=True)}, name=f"{item.__name__}Page"
    )


def load_each(schema: Schema, items: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[int], dict[int, str]]:
    """Load the items of a bulk request one by one: the good ones, where they stood, and why the others failed."""
    good, places, failed = [], [], {}
    for index, item in enumerate(items):
        try:
            good.append(schema.load(item))
            places.append(index)
        except ValidationError as error:
            failed[index] = "; ".join(f"{name}: {' '.join(words)}" for name, words in _flat(error.messages).items())
    return good, places, failed


def _flat(messages: Any) -> dict[str, list[str]]:
    return failures.flat(messages)


def merged(total: int, results: list[Any], places: list[int], failed: dict[int, str]) -> dict[str, Any]:
    """Return a bulk answer from what the room said of the good items and why the others failed."""
    answer: list[dict[str, Any]] = [
        {"index": i, "id": None, "status": "failed", "error": failed.get(i, "")} for i in range(total)
    ]
    for place, result in zip(places, results, strict=True):
        answer[place] = {"index": place, "id": result.id, "status": result.status, "error": result.error}
    return {"items": answer}
