"""Reading a request's JSON for the API: strictly.

The standard library's reader, which the parser would use, fails on a hundred thousand nested lists and takes NaN and half
a character, which fail later and elsewhere. All of these are no JSON here, and answered with the place.
"""

from __future__ import annotations

import json
from typing import Any

import orjson
from flask import Request
from webargs import missing
from webargs.flaskparser import FlaskParser, is_json_request


class Reader(FlaskParser):
    """The parser of arguments with a strict reader of JSON."""

    def _raw_load_json(self, req: Request) -> Any:
        raw = req.get_data(cache=True)
        if not raw or not is_json_request(req):
            return missing
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            # what is no UTF-8 comes without its text, which would be taken for a request without a body
            raise error if error.doc else json.JSONDecodeError(error.msg, "?", 0) from None
