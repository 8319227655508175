"""A company that can send, customers it may write to, and the sandbox's mail server."""

from __future__ import annotations

import os
from uuid import UUID

import pytest

from tests.mailboxes import Mailbox

BODY = """<mjml><mj-body><mj-section><mj-column>
<mj-text>Hello {{ customer.first_name | default: "you" }}, see <a href="https://shop.example/new">what is new</a>
or <a href="https://shop.example/for/{{ customer.city }}">near you</a>.</mj-text>
</mj-column></mj-section></mj-body></mjml>"""


@pytest.fixture(scope="session")
def mail_server(tmp_path_factory):
    box = Mailbox(tmp_path_factory.mktemp("mailbox"))
    yield box
    box.stop()


@pytest.fixture
def mailbox(mail_server, settings_in_environment):
    """An empty mailbox that this process hands its mails to."""
    from saas import config

    before = os.environ.get("SMTP_URL")
    os.environ["SMTP_URL"] = f"smtp://127.0.0.1:{mail_server.smtp_port}"
    config.get.cache_clear()
    mail_server.clear()
    yield mail_server
    if before is None:
        del os.environ["SMTP_URL"]
    else:
        os.environ["SMTP_URL"] = before
    config.get.cache_clear()


@pytest.fixture
def shop(company, context):
    """The company, ready to send: a sender, a segment of everybody, and means to make customers and campaigns."""
    return Sender(company)


def give_key(settings) -> None:
    """Seal a key that is quickly made and quickly signs."""
    from saas.kit import crypto, dkim, scope

    pem = dkim.create_key("ed25519")
    settings.dkim_domain, settings.dkim_selector = "shop.example", "s1"
    settings.dkim_public = dkim.record(dkim.Signer("shop.example", "s1", pem))
    place = f"{scope.tenant_id()}|tenant_settings|dkim_key_sealed|{settings.id}"
    settings.dkim_key_sealed = crypto.seal(pem, place=place)


class Sender:
    """What a marketer of the company would do, said in one line each."""

    def __init__(self, company) -> None:
        from saas.audiences import segments
        from saas.tenancy import tenants

        self.company, self.tenant_id = company, company.tenant_id
        with self.unit():
            settings = tenants.settings()
            settings.sender_email, settings.sender_name, settings.address = (
                "news@shop.example",
                "North & Pine",
                "1 Mill Lane, Leeds",
            )
            give_key(settings)
            self.segment_id = segments.create(name="Everybody", definition=segments.EVERYBODY).id

    def unit(self):
        from saas.kit import work

        return work.unit(tenant_id=self.tenant_id)

    def people(
        self, number: int, *, consent: str = "granted", prefix: str = "person", domain: str = "mail.example", **fields
    ) -> list[UUID]:
        """Make customers person0@mail.example, person1@… who agreed to mails."""
        from saas.customers import arriving

        items = [
            {
                "email": f"{prefix}{n}@{domain}",
                "first_name": f"Ann{n}",
                "last_name": "Lee",
                "city": "Köln",
                "consent": {"email": consent},
                **fields,
            }
            for n in range(number)
        ]
        with self.unit():
            return [UUID(str(done.id)) for done in arriving.upsert_many(items, UUID(int=0), source="test")]

    def campaign(self, **fields):
        """Write a campaign to everybody."""
        from saas.marketing import campaigns

        given = {
            "name": "Spring",
            "subject": "Hello {{ customer.first_name }}",
            "source": BODY,
            "segment_id": self.segment_id,
            "holdout_percent": 0,
        }
        with self.unit():
            return campaigns.create(**(given | fields)).id

    def launch(self, campaign_id=None, **fields) -> UUID:
        """Launch a campaign and return its mailing."""
        from saas.marketing import launching

        campaign_id = campaign_id or self.campaign(**fields)
        with self.unit():
            return launching.launch(campaign_id).id

    def work(self, mailing_id, *, seconds: float = 20) -> bool:
        """Do what a worker does that was rung for."""
        from saas.kit import scope
        from saas.marketing import sending

        with scope.tenant(self.tenant_id):
            return sending.run(mailing_id, seconds=seconds)

    def send(self, **fields) -> UUID:
        mailing_id = self.launch(**fields)
        self.work(mailing_id)
        return mailing_id

    def rows(self, mailing_id) -> list:
        """Return the ledger of a mailing."""
        from saas.kit.db import db
        from saas.marketing import mailings

        with self.unit():
            return list(db.session.scalars(mailings.recipients(mailing_id)))

    def states(self, mailing_id) -> dict[str, int]:
        from saas.marketing import mailings

        with self.unit():
            return mailings.counts([mailing_id])[mailing_id]
