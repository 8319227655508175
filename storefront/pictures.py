"""Small pictures of products, for anybody who has their address: mails, offers on a shop's page, our own pages."""

from __future__ import annotations

from flask import Blueprint, Response

from saas.catalog import picture_addresses, pictures
from saas.kit import doors, rates

door = Blueprint("pictures", __name__)
FOREVER = "public, max-age=31536000, immutable"


@door.get(f"{picture_addresses.PATH}/<name>")
@doors.open_to("anyone", unit=False)
def show(name: str) -> Response:
    """Show a small picture; what an address shows never changes, so it may be kept for a year."""
    rates.require("pictures", "60000/minute")
    return Response(
        pictures.read(name),
        content_type="image/jpeg",
        headers={
            "Cache-Control": FOREVER,
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "ETag": f'"{name}"',
        },
    )
