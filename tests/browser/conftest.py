"""One running product and one Chromium for all browser tests that want the whole."""

import pytest
from playwright.sync_api import expect

from tests.browser import running

# As long as its actions wait: five seconds are short on a machine that is busy with other tests.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def product(tmp_path_factory):
    """The whole product, running; stopped surely at the end, with the ends of its logs shown when it did not start."""
    made = running.Product(tmp_path_factory.mktemp("product"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def demo(product):
    """The product's small demo company: who signs in, with which password, and its keys."""
    known = product.make_demo()
    product.settle()
    return known
