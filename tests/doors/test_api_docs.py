"""The API's reference as a page."""

from __future__ import annotations


def test_every_operation_stands_on_the_page(app):
    client = app.test_client()
    description = client.get("/api/v1/openapi.json").json
    page = client.get("/docs/api")
    assert page.status_code == 200
    for path in description["paths"]:
        assert path.encode() in page.data
