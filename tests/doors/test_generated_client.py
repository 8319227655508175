"""The documented command makes a Python client from the description, and the client works against the running product."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from werkzeug.serving import make_server


@pytest.fixture(scope="module")
def client_package(app, tmp_path_factory):
    """The generated package, importable as regulars_client."""
    folder = tmp_path_factory.mktemp("client")
    spec = folder / "openapi.json"
    spec.write_text(json.dumps(app.test_client().get("/api/v1/openapi.json").json))
    command = [
        str(Path(sys.executable).with_name("openapi-python-client")), "generate", f"--path={spec}", "--meta=none",
        f"--output-path={folder / 'regulars_client'}", "--fail-on-warning",
    ]  # fmt: skip
    made = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module("regulars_client")
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def address(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_generated_client_makes_and_lists_a_customer(client_package, address, company):
    customers = importlib.import_module("regulars_client.api.api_customers")
    names = {path.stem for path in Path(customers.__file__).parent.glob("*.py")}
    models = importlib.import_module("regulars_client.models")
    make = importlib.import_module(
        f"regulars_client.api.api_customers.{next(n for n in names if n.startswith('post') and n.endswith('customers'))}"
    )
    listing = importlib.import_module(
        f"regulars_client.api.api_customers.{next(n for n in names if n.startswith('get') and n.endswith('customers'))}"
    )
    with client_package.AuthenticatedClient(
        base_url=address, token=company.api_key, raise_on_unexpected_status=True
    ) as client:
        made = make.sync(client=client, body=models.CustomerIn(email="ada@example.com", first_name="Ada"))
        page = listing.sync(client=client)
    assert made.email == "ada@example.com"
    assert [one.id for one in page.items] == [made.id]


def test_it_can_ask_for_single_fields_and_have_a_request_done_once(client_package, address, company):
    views = importlib.import_module("regulars_client.api.api_views.post_api_v1_views")
    customers = importlib.import_module("regulars_client.api.api_customers.get_api_v1_customers")
    models = importlib.import_module("regulars_client.models")
    company.api("POST", "/customers", json={"email": "ada@example.com", "first_name": "Ada"})
    with client_package.AuthenticatedClient(
        base_url=address, token=company.api_key, raise_on_unexpected_status=True
    ) as client:
        (ada,) = customers.sync(client=client, fields="email").items
        view = models.ViewIn(kind=models.ViewInKind.CUSTOMER, name="Mine")
        first, again = (views.sync(client=client, body=view, idempotency_key="once") for _time in range(2))
    assert ada.email == "ada@example.com" and ada.first_name is importlib.import_module("regulars_client.types").UNSET
    assert first.id == again.id
