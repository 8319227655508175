"""Signing up: all or nothing, and the same work for an address that is known."""

from __future__ import annotations

import secrets
import statistics
import time

import pytest
from sqlalchemy import func, select

from saas.billing.plans import PLANS
from saas.kit import outbox, work
from saas.kit.db import db
from saas.tenancy import directory, founding, limits, logins, members, signup, tenants
from saas.tenancy.models import Login, Tenant

FREE = PLANS["free"].limits


def address() -> str:
    return f"new-{secrets.token_hex(6)}@shop.example"


def sign_up(**fields):
    values = {
        "company": "Lamp & Light",
        "email": address(),
        "password": "correct horse battery",
        "allowed": FREE,
    } | fields
    with work.unit(tenant_id=None):
        return signup.sign_up(**values)


def home_of(email: str) -> int:
    with work.unit(tenant_id=None):
        login = logins.by_email(email)
        return directory.places(kind="member", key=str(login.id))[0].tenant_id


def counted() -> tuple[int, int]:
    return tuple(db.session.scalar(select(func.count(model.id))) for model in (Login, Tenant))


@pytest.mark.usefixtures("context")
class TestSignUp:
    def test_a_person_a_company_its_owner_and_its_limits_come_into_being(self):
        email = address()
        done = sign_up(email=email, name="Ada", zone="Asia/Shanghai", language="zh_Hans")
        with work.unit(tenant_id=home_of(email)):
            owner = members.listed()[0]
            held = tenants.settings()
            assert (owner.role, owner.login_id, owner.name) == ("owner", done.login_id, "Ada")
            assert (tenants.current().name, held.zone, held.languages) == ("Lamp & Light", "Asia/Shanghai", ["zh_Hans"])
            assert limits.all_limits() == FREE
        with work.unit(tenant_id=None):
            assert logins.one(done.login_id).verified_at is None

    def test_a_known_address_changes_nothing(self):
        email = address()
        first = sign_up(email=email)
        with work.unit(tenant_id=None):
            before = counted()
            kept = logins.one(first.login_id).password_hash
        again = sign_up(email=f" {email.upper()} ", password="another password altogether")
        assert again.known and again.login_id != first.login_id
        with work.unit(tenant_id=None):
            assert counted() == before
            assert logins.one(first.login_id).password_hash == kept

    def test_every_wrong_field_is_named_at_once(self):
        with pytest.raises(founding.BadSignUp) as refused:
            sign_up(company=" ", email="nobody", password="short")
        assert set(refused.value.fields) == {"company", "email", "password"}

    @pytest.mark.parametrize("password", ["qwertyuiop", "aaaaaaaaaaaa", "lamp & light", "x" * 257])
    def test_a_password_that_is_easily_guessed_or_endless_is_refused(self, password):
        with pytest.raises(founding.BadSignUp) as refused:
            sign_up(password=password)
        assert list(refused.value.fields) == ["password"]

    def test_the_address_itself_is_no_password(self):
        email = address()
        with pytest.raises(founding.BadSignUp):
            sign_up(email=email, password=email)

    def test_the_letter_brings_a_link_in_the_persons_language_and_the_outbox_holds_none(self, app, mailbox):
        from tests.companies import Company, drain_outbox

        email = address()
        done = sign_up(email=email, language="zh_Hans", name="小明")
        tenant_id = home_of(email)
        with work.unit(tenant_id=tenant_id):
            payloads = db.session.scalars(select(outbox.OutboxEvent.payload)).all()
        assert {"login_id": str(done.login_id)} in payloads
        assert "/verify/" not in str(payloads)
        drain_outbox(app, Company(app, tenant_id, email, "", "", None))
        letter = mailbox.to(email)[0]
        assert letter["Subject"] == "请确认您的邮箱地址"
        for part in ("plain", "html"):
            assert "http://127.0.0.1:8000/verify/" in letter.get_body((part,)).get_content()


@pytest.mark.usefixtures("context")
class TestTakeWish:
    def test_nothing_happens_for_an_address_nobody_has(self):
        with work.unit(tenant_id=None):
            assert signup.take_wish(email=address(), wish="reset") is False

    def test_a_known_person_is_told_of_a_sign_up_with_their_address(self, app, company, drain, mailbox):
        with work.unit(tenant_id=None):
            assert signup.take_wish(email=company.email.upper(), wish="known")
        drain(company)
        assert mailbox.to(company.email)[0]["Subject"] == "You already have an account"


@pytest.mark.usefixtures("context")
class TestFoundAnother:
    def test_a_person_may_own_two_companies(self, company):
        with work.unit(tenant_id=None):
            login = logins.by_email(company.email)
            tenant_id = signup.found_another(login_id=login.id, company="Second", allowed=FREE)
        with work.unit(tenant_id=None):
            assert {home["id"] for home in tenants.of_login(login.id)} == {company.tenant_id, tenant_id}

    def test_not_before_the_address_is_verified(self):
        done = sign_up()
        with pytest.raises(logins.NotVerified), work.unit(tenant_id=None):
            signup.found_another(login_id=done.login_id, company="Second", allowed=FREE)


@pytest.mark.usefixtures("context")
def test_a_known_address_takes_as_long_as_a_new_one(company):
    times = {True: [], False: []}
    for _round in range(9):
        for email in (company.email, address()):
            began = time.process_time()  # of this process: others that are busy would be counted, too
            known = sign_up(email=email).known
            times[known].append(time.process_time() - began)
    known, new = (statistics.median(times[kind]) for kind in (True, False))
    assert 0.5 < known / new < 2
