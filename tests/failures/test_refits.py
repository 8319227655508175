"""A worker that is killed in the middle of a fit: shoppers get the answers of before, and the next fit is another worker's."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from saas.app import create_app
from saas.kit import queues, valkey, work
from saas.kit.db import db
from saas.recommend import fitting, freshness, offers, shelf, stock
from tests.companies import found_company
from tests.failures.crew import Crew
from tests.rooms.recommend import little_shop

pytestmark = pytest.mark.failure
FIT = "workers.jobs.recommend.fit_due"


@pytest.fixture
def crew(test_servers, tmp_path):
    made = Crew(tmp_path, test_servers)
    yield made
    made.stop()


def halting(fit, place: Path):
    """Fit as ever, but stop in the middle for as long as a file is there; says which process it is."""

    def halt(*given):
        (place / f"in-{os.getpid()}").touch()
        while (place / "hold").exists():
            time.sleep(0.02)
        return fit(*given)

    return halt


def offered(company) -> list[str]:
    chosen = offers.choose(tenant_id=company.tenant_id, slot="product", product="tea-2", record=False)
    return [one.product.key for one in chosen.items]


def serving(company) -> dict[str, str]:
    shelf.forget()
    return shelf.versions(company.tenant_id)


def state(company) -> freshness.State:
    with work.unit(tenant_id=company.tenant_id):
        return freshness.read()


def test_the_old_models_go_on_and_another_worker_does_the_next_fit(crew, tmp_path, monkeypatch):
    app = create_app()
    with app.app_context():
        company = found_company(app)
        little_shop.fill(company)
        shelf.forget()
        stock.forget()
        fitting.fit(company.tenant_id)
        before, answer = serving(company), offered(company)
        assert set(before) >= {"sessions", "bought", "popular"} and answer
        with work.unit(tenant_id=company.tenant_id):
            freshness.note_news()

        monkeypatch.setattr(queues, "_allowed", {FIT})
        monkeypatch.setattr(fitting, "bought", halting(fitting.bought, tmp_path))
        (tmp_path / "hold").touch()
        for name in ("heavy-1", "heavy-2"):
            crew.start(name, "workers.__main__", "heavy")
        queues.enqueue("heavy", FIT, tenant_id=company.tenant_id)

        def inside() -> set[int]:
            return {int(path.name[3:]) for path in tmp_path.glob("in-*")}

        crew.until(inside, seconds=240)
        (first,) = inside()
        assert serving(company)["bought"] == before["bought"] and offered(company)
        name = next(name for name, (_command, process) in crew.programs.items() if process.pid == first)
        _command, killed = crew.programs.pop(name)
        killed.kill()
        killed.join()

        # what was served goes on, whole, and the news is not forgotten
        assert serving(company)["bought"] == before["bought"]
        assert offered(company) and state(company).fitted_at is not None
        with work.platform_unit(reason="test"):
            assert company.tenant_id in freshness.due()

        # nobody waits for leases here: what the dead held is let go of at once (it lasts some seconds)
        assert valkey.client().ttl(f"fitting:{company.tenant_id}") <= 15
        valkey.client().delete(f"fitting:{company.tenant_id}")
        (tmp_path / "hold").unlink()
        queues.enqueue("heavy", FIT)  # as the hour does: all companies that are due
        crew.until(lambda: serving(company)["bought"] != before["bought"], seconds=240)
        crew.until(lambda: company.tenant_id not in due(), seconds=240)
        assert inside() - {first}
        assert sorted(offered(company)) == sorted(answer)
        for engine in db.engines.values():
            engine.dispose()


def due() -> list[int]:
    with work.platform_unit(reason="test"):
        return freshness.due()
