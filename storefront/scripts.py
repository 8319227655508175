"""The scripts a shop puts on its pages: the tracker and the widget, from any origin, cached for an hour."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

from saas.kit import doors

door = Blueprint("scripts", __name__)
FOLDER = Path(__file__).parent / "static" / "shop"


@door.get("/static/shop/<name>.js")
@doors.open_to("anyone", unit=False)
def script(name: str) -> Response:
    """Answer one script; 304 while the browser's copy is the newest."""
    answer = send_from_directory(FOLDER, f"{name}.js", max_age=3600, conditional=True)
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
