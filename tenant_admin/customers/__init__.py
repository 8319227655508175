"""The customers' pages: the list, one page a person, and the forms. Which address leads where stands here, in one table."""

from __future__ import annotations

from flask import Blueprint

from tenant_admin.customers import editing, listing, offers, ownership, record

NAMES = {ownership.show: "owner"}


def make_pages() -> Blueprint:
    """Return the customers' pages as a blueprint."""
    blueprint = Blueprint("customers", __name__)
    for path, view, methods in (
        ("/customers", listing.index, ["GET"]),
        ("/customers/condition", listing.condition, ["GET"]),
        ("/customers/new", editing.create, ["GET", "POST"]),
        ("/customers/<customer_id>", record.show, ["GET"]),
        ("/customers/<customer_id>/offers", offers.offer, ["GET"]),
        ("/customers/<customer_id>/offers/<product_id>", offers.answer, ["POST"]),
        ("/customers/<customer_id>/answers/<answer_id>/take-back", offers.take_back, ["POST"]),
        ("/customers/<customer_id>/edit", editing.edit, ["GET", "POST"]),
        ("/customers/<customer_id>/tags", editing.tags, ["POST"]),
        ("/customers/<customer_id>/consent", editing.consent, ["POST"]),
        ("/customers/<customer_id>/notes", editing.note, ["POST"]),
        ("/customers/<customer_id>/owner", ownership.hand_over, ["POST"]),
        ("/customers/<customer_id>/shares", ownership.show, ["GET"]),
        ("/customers/<customer_id>/shares", ownership.share, ["POST"]),
        ("/customers/<customer_id>/shares/<share_id>/remove", ownership.unshare, ["POST"]),
        ("/customers/<customer_id>/delete", editing.delete, ["POST"]),
    ):
        blueprint.add_url_rule(path, NAMES.get(view, view.__name__), view, methods=methods)
    return blueprint


pages = make_pages()
