"""How what was done to campaigns and mail designs is undone, and how they go to the bin and come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import any_, select, update

from saas.kit import belongings, search
from saas.kit.belongings.models import JournalRow
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.kit.text import later as _l
from saas.marketing import campaigns, templates
from saas.marketing.models import MailingRecipient
from saas.tenancy import bin, undoing


def campaign_held(record_id: str, names: Sequence[str]) -> dict[str, Any]:
    return campaigns.written(campaigns.one(record_id, lock=True))


def change_campaign(record_id: str, values: dict[str, Any]) -> None:
    campaigns.change(record_id, **{name: "" if value is None else value for name, value in values.items()})


def template_held(record_id: str, names: Sequence[str]) -> dict[str, Any]:
    return templates.written(templates.one(record_id, lock=True))


def change_template(record_id: str, values: dict[str, Any]) -> None:
    templates.change(record_id, **{name: value or "" for name, value in values.items()})


undoing.register_edit(
    "campaigns.edited", kind="campaign", permission="campaigns.edit", read=campaign_held, write=change_campaign
)
undoing.register_edit(
    "templates.edited", kind="template", permission="campaigns.edit", read=template_held, write=change_template
)
undoing.register_bin("campaign", "campaigns", permission="campaigns.edit", delete=campaigns.delete)
undoing.register_bin("template", "templates", permission="campaigns.edit", delete=templates.delete)


def _touch(ids: Sequence[UUID]) -> None:
    search.touch("campaign", *ids)


def _taken(clashes: Sequence[Any]) -> str:
    return _("Another design has this name by now.")


def _without(journal: UUID, record_id: UUID) -> None:
    belongings.amend(
        journal, "mail_templates", record_id, {"name": bin.other_name(journal, "mail_templates", record_id)}
    )


def forget_addresses(ids: Sequence[UUID], journals: Sequence[UUID]) -> None:
    """Take the addresses of customers who are gone for good out of the mailings; what became of the mails stays."""
    named = (
        JournalRow.journal.in_(journals),
        JournalRow.act == "emptied",
        JournalRow.table_name == "mailing_recipients",
    )
    theirs = select(JournalRow.id).where(*named, MailingRecipient.id == any_(JournalRow.ids)).exists()
    gone = update(MailingRecipient).where(theirs, MailingRecipient.email != "").values(email="")
    db.session.execute(gone.execution_options(synchronize_session=False))


bin.register(
    bin.Kind(
        "campaign", "campaigns", "campaigns.edit", "campaigns.restored", label=_l("Campaign"), gone=_touch, back=_touch
    )
)
bin.register(
    bin.Kind(
        "template",
        "mail_templates",
        "campaigns.edit",
        "templates.restored",
        label=_l("Mail design"),
        taken=_taken,
        without=_without,
    )  # fmt: skip
)
bin.at_the_end("customer", forget_addresses)
