"""What customers said to what they were offered by a person: the table."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import TenantModel, tenant_fk

VERDICTS = ("accepted", "declined")
DECLINES = {"": 90, "has_it": 365, "too_expensive": 30, "not_now": 14, "not_liked": 365, "other": 90}
"""Why somebody declines, and for how many days the product is not offered to them then."""


class OfferAnswer(TenantModel):
    """One answer of a customer to one product that somebody of the company offered them.

    A decline counts until `until`, unless it was taken back. `slot`, `offer_code` and `algorithm` say which place's offer it
    was and why it was made, as in `offers_shown`.
    """

    __tablename__ = "offer_answers"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        tenant_fk("product_id", "products", ondelete="CASCADE"),
        CheckConstraint(f"verdict IN {VERDICTS}", name="verdict"),
        CheckConstraint(f"reason IN {tuple(DECLINES)}", name="reason"),
        CheckConstraint("(verdict = 'declined') = (until IS NOT NULL)", name="until"),
        Index("ix_offer_answers_customer_id", "tenant_id", "customer_id", "id"),
        Index("ix_offer_answers_product_id", "tenant_id", "product_id"),
        Index("ix_offer_answers_answered_at", "tenant_id", "answered_at"),
    )

    customer_id: Mapped[UUID]
    product_id: Mapped[UUID]
    verdict: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    slot: Mapped[str] = mapped_column(Text, default="")
    offer_code: Mapped[str] = mapped_column(Text, default="")
    algorithm: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime]
    answered_by: Mapped[str] = mapped_column(Text, default="")
    until: Mapped[datetime | None]
    taken_back_at: Mapped[datetime | None]
