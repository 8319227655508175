"""What is around every call of the API: once only, how often, only some fields, and a feed that misses nothing."""

from __future__ import annotations

import threading
import uuid

import pytest

from saas import config
from saas.customers import profiles
from saas.kit import scope, work
from saas.tenancy import operations
from tests import transactions


def make(company, email, name=None, **more):
    headers = {"Idempotency-Key": name} if name is not None else {}
    return company.api("POST", "/customers", json={"email": email, **more}, headers=headers)


class TestOnce:
    def test_the_same_request_twice_is_done_once_and_answered_alike(self, company):
        first, second = make(company, "ada@example.com", "n1"), make(company, "ada@example.com", "n1")
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.data == second.data and second.headers["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first.headers
        assert len(company.api("GET", "/customers").json["items"]) == 1

    def test_another_request_under_the_same_name_is_refused(self, company):
        make(company, "ada@example.com", "n1")
        answer = make(company, "bob@example.com", "n1")
        assert answer.status_code == 422 and answer.json["error"]["code"] == "idempotency_key_reused"

    def test_what_was_refused_may_be_mended_and_sent_under_the_same_name(self, company):
        assert make(company, "no address", "n1").status_code == 422
        assert make(company, "ada@example.com", "n1").status_code == 201

    def test_names_belong_to_a_key(self, company, other_company):
        make(company, "ada@example.com", "n1")
        answer = make(other_company, "ada@example.com", "n1")
        assert answer.status_code == 201 and "Idempotency-Replayed" not in answer.headers

    @pytest.mark.parametrize("name", ["", "x" * 256])
    def test_a_name_without_sense_is_refused(self, company, name):
        assert make(company, "ada@example.com", name).status_code == 400

    def test_the_same_at_the_same_moment_is_done_once(self, company):
        answers = []
        together = threading.Barrier(5)

        def send():
            together.wait()
            answers.append(make(company, "ada@example.com", "n1"))

        senders = [threading.Thread(target=send) for _sender in range(5)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json["id"] for answer in answers}) == 1


class TestRate:
    @pytest.fixture
    def counted(self, monkeypatch, settings_in_environment):
        from saas.api import around

        monkeypatch.setenv("RATE_LIMITS", "1")
        monkeypatch.setattr(around, "RATE", "5/minute")
        config.get.cache_clear()
        yield
        monkeypatch.undo()
        config.get.cache_clear()

    def test_the_answer_says_what_is_left_and_when_it_is_more(self, company, other_company, counted):
        left = [int(company.api("GET", "/products").headers["X-RateLimit-Remaining"]) for _call in range(5)]
        assert left == [4, 3, 2, 1, 0]
        refused = company.api("GET", "/products")
        assert refused.status_code == 429 and 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.json["error"]["code"] == "too_many" and "r=0" in refused.headers["RateLimit"]
        assert other_company.api("GET", "/products").status_code == 200


class TestFields:
    def test_only_what_was_asked_for_comes(self, company):
        made = make(company, "ada@example.com", first_name="Ada").json
        one = company.api("GET", f"/customers/{made['id']}?fields=email,first_name,facts.orders_count").json
        assert one == {"email": "ada@example.com", "first_name": "Ada", "facts": {"orders_count": 0}}
        listed = company.api("GET", "/customers?fields=id").json
        assert listed["items"] == [{"id": made["id"]}] and "next" in listed

    def test_a_field_that_is_not_there_is_named(self, company):
        make(company, "ada@example.com")
        answer = company.api("GET", "/customers?fields=id,shoe_size")
        assert answer.status_code == 422 and "shoe_size" in answer.json["error"]["fields"]["fields"][0]


def follow(company, cursor=None, *, waiting=True, **query):
    """Read the feed to its end; returns (kind, id, change) and the cursor."""
    if waiting:
        transactions.until_all_ended(company)
    found = []
    while True:
        answer = company.api("GET", "/changes", query_string={**query, **({"cursor": cursor} if cursor else {})}).json
        found += [(item["kind"], item["id"], item["change"]) for item in answer["items"]]
        cursor = answer["next"]
        if not answer["more"]:
            return found, cursor


class TestChanges:
    def test_a_copy_follows_what_happens(self, company):
        ada = make(company, "ada@example.com").json["id"]
        found, cursor = follow(company)
        assert found == [("customer", ada, "changed")]
        assert follow(company, cursor) == ([], cursor) or follow(company, cursor)[0] == []
        company.api("PATCH", f"/customers/{ada}", json={"city": "Bath"})
        company.api("POST", "/products", json={"external_id": "p1", "name": "Pot"})
        company.api("DELETE", f"/customers/{ada}")
        found, cursor = follow(company, cursor)
        assert [(kind, change) for kind, _id, change in found] == [("product", "changed"), ("customer", "deleted")]
        assert follow(company, cursor)[0] == []

    def test_it_starts_where_one_likes(self, company):
        make(company, "ada@example.com")
        transactions.until_all_ended(company)
        start = company.api("GET", "/changes?start=now").json["next"]
        bob = make(company, "bob@example.com").json["id"]
        assert follow(company, start)[0] == [("customer", bob, "changed")]
        assert follow(company, start, kinds="product")[0] == []

    def test_large_changes_come_in_pages_without_a_gap_or_a_double(self, company):
        items = [{"external_id": f"p{number}", "name": "Pot"} for number in range(700)]
        company.api("POST", "/products/bulk", json={"items": items})
        found, _cursor = follow(company, limit=90)
        assert len(found) == len(set(found)) == 700

    def test_a_slow_writer_is_not_passed_by(self, company, context):
        """A transaction that began first and commits last: the reader must not be past it."""
        begun, go_on = threading.Event(), threading.Event()

        def write_slowly():
            with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
                profiles.create(email="slow@example.com")
                begun.set()
                go_on.wait(240)

        slow = threading.Thread(target=write_slowly)
        slow.start()
        assert begun.wait(240)
        make(company, "quick@example.com")
        first, cursor = follow(company, waiting=False)
        assert first == []
        go_on.set()
        slow.join()
        second, _cursor = follow(company, cursor)
        assert len(set(first + second)) == 2 and len(first + second) == 2

    def test_an_old_or_foreign_place_says_start_anew(self, company):
        from datetime import timedelta

        from saas.kit import clock, pages

        old = pages.encode([1, uuid.UUID(int=0), 0, clock.now() - timedelta(days=8)])
        beyond = pages.encode([10**15, uuid.UUID(int=0), 0, clock.now()])
        for cursor in (old, beyond):
            assert company.api("GET", "/changes", query_string={"cursor": cursor}).status_code == 410
        assert company.api("GET", "/changes?cursor=nonsense").status_code == 400

    def test_nothing_of_another_company_is_in_it(self, company, other_company):
        make(company, "ada@example.com")
        assert follow(other_company)[0] == []


@operations.kind("test.api", permission="customers.edit", title="Counting", undo=lambda operation: False)
def _step(operation):
    """This function will do one, and fail one."""
    operation.done += 1
    operations.note_failed(operation, [(3, {"name": "x"}, "No")])
    return False


class TestOperations:
    def test_they_are_followed_and_undone(self, company, other_company, context):
        with work.unit(tenant_id=company.tenant_id):
            operation_id = operations.start(kind="test.api", params={}).id
        path = f"/operations/{operation_id}"
        assert company.api("GET", path).json["state"] == "waiting"
        with scope.tenant(company.tenant_id):
            operations.run(operation_id)
        assert company.api("GET", path).json["may_undo"] is True
        assert company.api("GET", f"{path}/failures").json["items"] == [
            {"position": 3, "row": {"name": "x"}, "reason": "No"}
        ]
        assert company.api("POST", f"{path}/undo").json["state"] == "undoing"
        assert company.api("POST", f"{path}/undo").status_code == 409
        assert [one["id"] for one in company.api("GET", "/operations").json["items"]] == [str(operation_id)]
        assert other_company.api("GET", path).data == other_company.api("GET", f"/operations/{uuid.uuid4()}").data
        assert other_company.api("GET", "/operations").json["items"] == []
