"""Companies for tests: founded through the rooms, entered through the doors."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


@dataclass
class Company:
    """One tenant with its keys; `page` is a browser signed in as the owner, `api` a program with its key."""

    app: Any
    tenant_id: int
    email: str
    api_key: str
    site_key: str
    page: FlaskClient = field(repr=False)

    def api(self, method: str, path: str, **kwargs: Any):
        """Call the API with this company's key: `company.api("POST", "/customers", json={...})`."""
        headers = {"Authorization": f"Bearer {self.api_key}", **kwargs.pop("headers", {})}
        return self.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, **kwargs)

    def post(self, path: str, data: dict | None = None, **kwargs: Any):
        """Send a form as the page would, with its token."""
        headers = {"X-CSRFToken": self.csrf(), **kwargs.pop("headers", {})}
        return self.page.post(path, data=data or {}, headers=headers, **kwargs)

    def csrf(self) -> str:
        """Return the token the pages of this browser carry."""
        from flask import session
        from flask_wtf.csrf import generate_csrf

        with self.page.session_transaction() as kept, self.app.test_request_context():
            session.update(kept)
            token = generate_csrf()
            kept.update(session)
        return token


def found_company(app, *, plan: str = "scale", role: str = "owner", currency: str = "EUR") -> Company:
    """Found a company and sign its owner in."""
    from saas.billing.plans import PLANS
    from saas.tenancy import founding

    email = f"owner-{next(_numbers)}-{secrets.token_hex(4)}@shop.example"
    with app.app_context():
        made = founding.from_command(
            company="Test Company", email=email, password=PASSWORD, allowed=PLANS[plan].limits, currency=currency
        )
    browser = sign_in(app, email)
    return Company(app, made["tenant_id"], email, made["api_key"], made["site_key"], browser)


def sign_in(app, email: str, *, second_factor: bool = False) -> FlaskClient:
    """Return a browser that is signed in as this person, by password, or by a second factor too."""
    from saas.kit import work
    from saas.tenancy import logins, sessions

    with app.app_context(), work.unit(tenant_id=None):
        login = logins.by_email(email)
        token = sessions.begin(login=login, address="127.0.0.1", browser="test", second_factor=second_factor)
    client = app.test_client()
    client.set_cookie("regulars_session", token)
    return client


def add_staff(app) -> Company:
    """Return a browser of the platform's own staff; the company is the one they have for themselves."""
    from saas.kit import clock, work
    from saas.tenancy import staff, totp

    company = found_company(app)
    with app.app_context(), work.unit(tenant_id=None):
        login = staff.add(company.email)
        totp.begin(login)
        login.totp_confirmed_at = clock.now()
    company.page = sign_in(app, company.email, second_factor=True)
    return company


def add_member(app, company: Company, *, role: str) -> FlaskClient:
    """Add a member with a role to a company and return their browser."""
    from saas.kit import clock, work
    from saas.kit.db import db
    from saas.tenancy import directory, founding
    from saas.tenancy.models import Member

    email = f"{role}-{next(_numbers)}-{secrets.token_hex(4)}@shop.example"
    with app.app_context(), work.unit(tenant_id=None):
        login = founding.new_login(email=email, password=PASSWORD, verified=True)
        with work.acting_for(company.tenant_id):
            member = Member(login_id=login.id, email=email, email_norm=email, role=role, joined_at=clock.now())
            db.session.add(member)
            db.session.flush()
            directory.enter(kind="member", key=str(login.id), subject_id=member.id)
    return sign_in(app, email)


def drain_outbox(app, company: Company, *, rounds: int = 50) -> None:
    """Run every reaction that waits for a company, until nothing waits; raises what a reaction raised."""
    from sqlalchemy import select

    from saas.kit import outbox, work
    from saas.kit.db import db
    from workers.handing_out import resolve
    from workers.reactions import REACTIONS

    with app.app_context():
        for _round in range(rounds):
            with work.unit(tenant_id=None):
                query = select(outbox.Doorbell.event_id, outbox.Doorbell.name).where(
                    outbox.Doorbell.tenant_id == company.tenant_id
                )
                bells = db.session.execute(query.order_by(outbox.Doorbell.event_id)).all()
            if not bells and not run_operations(company):
                return
            for event_id, name in bells:
                _react(company.tenant_id, event_id, name, REACTIONS, outbox, work, resolve)
    raise AssertionError("the outbox does not come to rest")


def run_operations(company: Company) -> int:
    """Do the long work that waits for a company as its workers would; returns how many there were."""
    from saas.kit import scope, work
    from saas.tenancy import operations
    from workers.handing_out import AUTOMATION

    with work.unit(tenant_id=company.tenant_id):
        waiting = [operation.id for operation in operations.going()]
    with scope.tenant(company.tenant_id, actor=AUTOMATION):
        for operation_id in waiting:
            while operations.run(operation_id):
                pass
    return len(waiting)


def _react(tenant_id: int, event_id: UUID, name: str, reactions, outbox, work, resolve) -> None:
    from workers.handing_out import AUTOMATION

    wanted = {name: {reaction.function for reaction in reactions.get(name, ())}}
    for reaction in reactions.get(name, ()):
        with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
            if outbox.record_reaction(event_id=event_id, reaction=reaction.function):
                resolve(reaction.function)(**outbox.one(event_id).payload)
    with work.unit(tenant_id=tenant_id):
        outbox.finish(event_ids=[event_id], wanted=wanted)
