"""What follows from what shoppers do on their own page: letters to them, and their wishes about their data."""

from __future__ import annotations

from saas.integrations import own_wishes
from saas.marketing import shopper_letters


def write_link(*, pass_id: str, **_: object) -> None:
    """Send the link to somebody's own page."""
    shopper_letters.write_link(pass_id)


def write_return(*, request_id: str, state: str = "asked", **_: object) -> None:
    """Tell a shopper how a return stands."""
    shopper_letters.write_return(request_id, state=state)


def answer_person(*, request_id: str, what: str, **_: object) -> None:
    """Begin with what somebody asked for about their data."""
    own_wishes.answer(request_id=request_id, what=what)


def write_person_asked(*, what: str, **_: object) -> None:
    """Tell owners that somebody asked."""
    own_wishes.write_asked(what=what)


def follow_operation(*, operation_id: str, state: str, **_: object) -> None:
    """Tell somebody that the copy of their data is ready."""
    wish = own_wishes.follow(operation_id=operation_id, state=state)
    if wish is not None:
        shopper_letters.write_data(wish)
