"""Nobody's data trains another company's model: not on disk, not in memory, not in Valkey, not after going back to an older version."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from saas.catalog import products
from saas.commerce import orders
from saas.kit import clock, pool, valkey, work
from saas.kit.db import db
from saas.recommend import fitting, model_versions, offers, shelf, stock
from saas.recommend.models import FittedModel
from tests.rooms.recommend import little_shop

OURS, THEIRS = ("tea-1", "cup-6"), ("tea-1", "cup-3")
FILLING = ["tea-2", "tea-3", "tea-4", "cup-1", "cup-2", "cup-4"]


def planted(company, drain, pair: tuple[str, str]) -> None:
    """Orders in which one pair is bought together again and again, and nothing else is."""
    with work.unit(tenant_id=company.tenant_id):
        products.upsert_many([little_shop.product(key) for key in little_shop.TEAS + little_shop.CUPS])
    with work.unit(tenant_id=company.tenant_id):
        baskets = [list(pair)] * 25 + [[key] for key in FILLING for _each in range(4)]
        orders.record_many([
            little_shop.order(number, basket, customer=number % 12, days_ago=2 + number) for number, basket in enumerate(baskets)
        ])  # fmt: skip
        for number in range(20):
            little_shop.look(f"looker-{number:018d}", list(pair), minutes_ago=400 + 50 * number)
    drain(company)


def fitted(company) -> None:
    fitting.fit(company.tenant_id)
    shelf.forget()
    stock.forget()


@pytest.fixture
def both(company, other_company, context, drain):
    planted(company, drain, OURS)
    planted(other_company, drain, THEIRS)
    fitted(company)
    fitted(other_company)
    return company, other_company


def numbers(company, *keys: str) -> list[int]:
    with work.unit(tenant_id=company.tenant_id):
        known = products.by_external(keys)
    return [stock.number_of(known[key].id) for key in keys]


def together(company, pair: tuple[str, str]) -> int:
    """In how many orders the company's model has met a pair."""
    rule = shelf.get(company.tenant_id, "bought").pairs.rule(*numbers(company, *pair))
    return rule.together if rule is not None else 0


def beside(company, key: str, slot: str = "cart") -> list[tuple[str, str]]:
    asked = {"cart": [key]} if slot == "cart" else {"product": key}
    chosen = offers.choose(
        tenant_id=company.tenant_id, slot=slot, visitor="visitor-of-nobody-0001", limit=6, record=False, **asked
    )
    return [(one.product.key, one.reason_code) for one in chosen.items]


def blobs(company) -> dict[str, bytes]:
    """What is kept of a company's models on disk, as the company itself may read it."""
    with work.unit(tenant_id=company.tenant_id):
        return {
            row.kind: row.blob for row in db.session.scalars(select(FittedModel).where(FittedModel.serving).order_by(FittedModel.kind))
        }  # fmt: skip


def test_each_knows_its_own_pair_and_not_the_other_s(both):
    ours, theirs = both
    assert (together(ours, OURS), together(ours, THEIRS)) == (25, 0)
    assert (together(theirs, OURS), together(theirs, THEIRS)) == (0, 25)
    for company, mine, other in ((ours, "cup-6", "cup-3"), (theirs, "cup-3", "cup-6")):
        for slot in ("cart", "product"):
            told = dict(beside(company, "tea-1", slot))
            assert told[mine] == "bought_together" and told.get(other) != "bought_together"


def test_what_is_fitted_is_the_same_whether_or_not_another_company_is_there(company, other_company, context, drain):
    planted(company, drain, OURS)
    with clock.travel(to=clock.now()):
        moment = clock.now()
        fitted(company)
        alone = blobs(company)
    planted(other_company, drain, THEIRS)
    with clock.travel(to=moment):
        fitted(other_company)
        fitted(company)
        assert blobs(company) == alone


def test_no_model_names_a_product_of_another_company(both):
    ours, theirs = both
    mine = set(numbers(ours, *little_shop.TEAS, *little_shop.CUPS))
    foreign = set(numbers(theirs, *little_shop.TEAS, *little_shop.CUPS))
    assert not mine & foreign
    for company, own in ((ours, mine), (theirs, foreign)):
        for model in (shelf.get(company.tenant_id, "bought").pairs, shelf.get(company.tenant_id, "popular")):
            named = {int(model.vocabulary[place]) for place in range(len(model.vocabulary))}
            assert named and named <= own


def test_on_disk_each_reads_its_own_models_alone(both):
    ours, theirs = both
    with work.unit(tenant_id=ours.tenant_id):
        seen = db.session.scalar(select(func.count()).select_from(FittedModel))
        assert set(db.session.scalars(select(FittedModel.tenant_id))) == {ours.tenant_id}
    with pool.connection(tenant_id=ours.tenant_id) as opened:
        rows = opened.execute("SELECT count(*), count(DISTINCT tenant_id) FROM recommend_models").fetchone()
        foreign = opened.execute(
            "SELECT count(*) FROM recommend_models WHERE tenant_id = %s", [theirs.tenant_id]
        ).fetchone()
    assert rows == (seen, 1) and foreign == (0,)


def test_in_memory_and_in_valkey_each_has_names_of_its_own(both):
    ours, theirs = both
    held = {
        company.tenant_id: {kind: shelf.get(company.tenant_id, kind) for kind in ("bought", "popular")}
        for company in both
    }
    assert all(held[ours.tenant_id][kind] is not held[theirs.tenant_id][kind] for kind in ("bought", "popular"))
    versions = [set(shelf.versions(company.tenant_id).values()) for company in both]
    assert versions[0] and versions[1] and not versions[0] & versions[1]
    for company in both:
        names = [name.decode() for name in valkey.client().scan_iter(match=f"*{company.tenant_id}*", count=1000)]
        assert any("model" in name for name in names)


def test_after_going_back_and_a_restart_nothing_of_the_other_is_there(both, drain):
    ours, theirs = both
    with work.unit(tenant_id=ours.tenant_id):
        first = (
            db.session.scalars(select(FittedModel).where(FittedModel.kind == "bought", FittedModel.serving)).one().id
        )
    with work.unit(tenant_id=ours.tenant_id):
        orders.record_many([little_shop.order(900 + number, ["tea-5", "tea-6"], days_ago=1) for number in range(12)])
    drain(ours)
    fitted(ours)
    fitted(theirs)
    assert together(ours, ("tea-5", "tea-6")) == 12 and together(theirs, ("tea-5", "tea-6")) == 0
    with work.unit(tenant_id=ours.tenant_id):
        model_versions.pin(first)
    shelf.forget()
    stock.forget()
    assert (together(ours, OURS), together(ours, ("tea-5", "tea-6")), together(ours, THEIRS)) == (25, 0, 0)
    assert (together(theirs, OURS), together(theirs, THEIRS)) == (0, 25)


def test_another_company_s_version_cannot_be_used(both):
    ours, theirs = both
    with work.unit(tenant_id=theirs.tenant_id):
        foreign = db.session.scalars(select(FittedModel).where(FittedModel.kind == "bought")).first().id
    with work.unit(tenant_id=ours.tenant_id), pytest.raises(model_versions.NoSuchModel):
        model_versions.pin(foreign)
