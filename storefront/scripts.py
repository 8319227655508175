"""The scripts a shop puts on its pages, from any origin: cached for an hour, and packed for browsers that unpack."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory

from saas.kit import doors

door = Blueprint("scripts", __name__)
FOLDER = Path(__file__).parent / "static" / "shop"


@door.get("/static/shop/<name>.js")
@doors.open_to("anyone", unit=False)
def script(name: str) -> Response:
    """Answer one script; 304 while the browser's copy is the newest."""
    answer = send_from_directory(FOLDER, f"{name}.js", max_age=3600, conditional=True)
    if answer.status_code == 200 and "gzip" in request.accept_encodings:
        path = FOLDER / f"{name}.js"
        answer.direct_passthrough = False
        answer.set_data(packed(path, path.stat().st_mtime_ns))
        answer.headers["Content-Encoding"] = "gzip"
    answer.vary.add("Accept-Encoding")
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@lru_cache(maxsize=8)
def packed(path: Path, changed: int) -> bytes:
    """Return a script as it travels."""
    return gzip.compress(path.read_bytes(), 9, mtime=0)
