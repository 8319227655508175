"""The pages and the API of duplicates: looked through, merged, taken apart, and nobody else's."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import select

from saas.customers import arriving, duplicates
from saas.customers.models import CustomerMerge, DuplicatePair
from saas.kit import work
from saas.kit.db import db

ADA = {
    "email": "ada.lovelace@gmail.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "phone": "+49 30 1234567",
    "city": "London",
}
AGAIN = {"email": "adalovelace+shop@gmail.com", "first_name": "Ada", "last_name": "Lovelase", "phone": "030 1234567"}


@pytest.fixture
def pair(company, context):
    """Two who are one, and their pair in the queue: (winner, loser, pair)."""
    with work.unit(tenant_id=company.tenant_id):
        ids = [result.id for result in arriving.upsert_many([ADA, AGAIN])]
        duplicates.look_again(ids)
        return (*ids, db.session.scalars(select(DuplicatePair.id)).one())


def latest_merge(company):
    with work.unit(tenant_id=company.tenant_id):
        return db.session.scalars(select(CustomerMerge.id).order_by(CustomerMerge.id.desc()).limit(1)).one()


class TestPages:
    def test_an_empty_queue_says_what_to_do(self, company):
        assert "Nobody was looked through yet" in company.page.get("/customers/duplicates").text

    def test_the_queue_shows_the_evidence(self, company, pair):
        answer = company.page.get("/customers/duplicates").text
        assert "same phone number" in answer and "Ada Lovelace" in answer and "Merge 1 certain pair" in answer

    def test_side_by_side_and_merged_with_choices_and_taken_apart(self, company, pair):
        winner, loser, key = pair
        shown = company.page.get(f"/customers/duplicates/{key}").text
        assert 'name="keep.email"' in shown and "Lovelase" in shown
        done = company.post(f"/customers/{winner}/merge/{loser}", {"keep.last_name": "loser"})
        assert done.status_code == 303 and done.location.endswith(f"/customers/{winner}")
        page = company.page.get(done.location).text
        assert "Ada Lovelase" in page and "are one customer now" in page
        assert company.page.get(f"/customers/{loser}").status_code == 200  # the old address leads to who they are now
        assert "Ada Lovelase" in company.page.get(f"/customers/{winner}/sameness").text
        apart = company.post(f"/customers/merges/{latest_merge(company)}/undo", {"different": "1"})
        assert apart.location.endswith(f"/customers/{loser}")
        assert "Ada Lovelace" in company.page.get(f"/customers/{winner}").text
        assert "Ada Lovelace" in company.page.get("/customers/duplicates?state=different").text

    def test_told_apart_and_back(self, company, pair):
        company.post(f"/customers/duplicates/{pair[2]}/decide", {"state": "different"})
        assert "Two people" not in company.page.get("/customers/duplicates").text.split('id="list"')[1]
        company.post(f"/customers/duplicates/{pair[2]}/decide/open")
        assert "Ada Lovelace" in company.page.get("/customers/duplicates").text

    def test_whoever_is_typed_in_is_recognised(self, company, pair):
        answer = company.post(
            "/customers/possible",
            {"email": "ada.lovelace@googlemail.com", "first_name": "Ada", "last_name": "Lovelace"},
        ).text
        assert "They may be there already" in answer and str(pair[0]) in answer

    def test_a_scan_begins(self, company):
        assert "/operations/" in company.post("/customers/duplicates/scan").location

    def test_another_companys_pair_and_merge_are_not_there(self, company, other_company, pair):
        winner, loser, key = pair
        for path in (
            f"/customers/duplicates/{key}",
            f"/customers/{winner}/merge/{loser}",
            f"/customers/{winner}/sameness",
        ):
            random = path.replace(str(key), str(uuid4())).replace(str(winner), str(uuid4()))
            assert other_company.page.get(path).status_code == other_company.page.get(random).status_code == 404
        assert other_company.post(f"/customers/{winner}/merge/{loser}").status_code == 404
        assert other_company.post(f"/customers/duplicates/{key}/decide", {"state": "open"}).status_code == 404


class TestUndo:
    def test_the_toasts_undo_takes_the_merge_apart(self, company, pair):
        winner, loser, _key = pair
        company.post(f"/customers/{winner}/merge/{loser}")
        from saas.tenancy.models import AuditEntry

        with work.unit(tenant_id=company.tenant_id):
            entry = db.session.scalars(select(AuditEntry.id).where(AuditEntry.action == "customers.merged")).one()
        assert company.post(f"/undo/{entry}").status_code in (200, 204, 303)
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalars(select(CustomerMerge.undone_at)).one() is not None


class TestApi:
    def test_a_dry_run_then_the_merge_then_apart(self, company, pair):
        winner, loser, key = pair
        (found,) = company.api("GET", "/customers/duplicates?at_least=0.9").json["items"]
        assert (found["id"], found["state"]) == (str(key), "open") and "phone_same" in found["evidence"]
        dry = company.api("POST", f"/customers/{winner}/merge", json={"loser": str(loser), "dry_run": True}).json
        assert dry["id"] is None and dry["consent"] == {"email": "unknown"}
        assert {"name", "winner", "loser", "result", "kept", "differs"} <= set(dry["fields"][0])
        assert company.api("GET", f"/customers/{loser}").json["id"] == str(loser)
        made = company.api(
            "POST", f"/customers/{winner}/merge", json={"loser": str(loser), "choices": {"last_name": "loser"}}
        ).json
        assert made["customer"]["last_name"] == "Lovelase"
        assert company.api("GET", f"/customers/{loser}").json["id"] == str(winner)
        apart = company.api("POST", f"/customers/merges/{made['id']}/undo", json={}).json
        assert (apart["back"], apart["kept"]) == (str(loser), [])
        assert company.api("POST", f"/customers/merges/{made['id']}/undo", json={}).status_code == 409

    def test_bad_choices_and_strangers(self, company, other_company, pair):
        winner, loser, key = pair
        bad = company.api(
            "POST", f"/customers/{winner}/merge", json={"loser": str(loser), "choices": {"shoe": "winner"}}
        )
        assert bad.status_code == 422 and "shoe" in bad.json["error"]["fields"]
        assert company.api("POST", f"/customers/{winner}/merge", json={"loser": str(winner)}).status_code == 409
        assert other_company.api("POST", f"/customers/{winner}/merge", json={"loser": str(loser)}).status_code == 404
        assert other_company.api("PATCH", f"/customers/duplicates/{key}", json={"state": "open"}).status_code == 404

    def test_whoever_is_created_may_be_there_already(self, company, pair):
        made = company.api(
            "POST",
            "/customers",
            json={
                "email": "a.lovelace@work.example",
                "first_name": "Ada",
                "last_name": "Lovelace",
                "phone": "030/1234567",
            },
        )
        assert made.status_code == 201
        assert str(pair[0]) in {one["id"] for one in made.json["possible_duplicates"]}
