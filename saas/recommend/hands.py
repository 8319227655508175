"""Whose the offers were that a browser was shown: as soon as it is known to be somebody else's, or nobody's, so are they."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Text, select, update

from saas.customers.models import VisitorPart
from saas.kit import arrays
from saas.kit.db import db
from saas.recommend.models import OfferShown


def follow(visitors: Sequence[str]) -> None:
    """Have offers shown in these browsers be of whose the browser was at that moment, as far as that is proven."""
    whose = (
        select(VisitorPart.customer_id)
        .where(
            VisitorPart.visitor == OfferShown.visitor,
            VisitorPart.proven,
            VisitorPart.since_at < OfferShown.at,
            VisitorPart.until_at >= OfferShown.at,
        )
        .scalar_subquery()
    )
    theirs = update(OfferShown).where(
        OfferShown.visitor == arrays.among(list(visitors), Text), OfferShown.customer_id.is_distinct_from(whose)
    )
    db.session.execute(theirs.values(customer_id=whose).execution_options(synchronize_session=False))
