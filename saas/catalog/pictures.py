"""Small pictures of products, kept by us: a foreign picture is fetched once and shown from here.

Mails, offers and pages would else make every reader wait for the shop's own picture of several megabytes, and tell that
shop of every mail that is opened. What is to be fetched stands with the product; equal pictures are kept once, by what is in
them, so their address never changes what it shows.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

from sqlalchemy import delete, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from saas.catalog import picture_addresses
from saas.catalog.events import PicturesMade
from saas.catalog.models import Picture, Product, ProductPicture
from saas.kit import clock, errors, http_out, identifiers, pool, scope, work
from saas.kit.db import db
from saas.kit.events import announce

log = logging.getLogger("regulars.pictures")
LEASE, BUDGET, AT_ONCE, SECONDS = timedelta(minutes=5), 15.0, 20, 15.0
AGAIN = (timedelta(minutes=10), timedelta(hours=2), timedelta(days=1))
MOST_HOPS, MOST_BYTES = 3, 8 * 1024 * 1024
MOVED = (301, 302, 303, 307, 308)


class NoSuchPicture(errors.NotFound):
    """There is no such picture."""


class Elsewhere(ValueError):
    """The picture did not come; the sentence says why, `again` whether it may come later."""

    def __init__(self, sentence: str, *, again: bool) -> None:
        super().__init__(sentence)
        self.again = again


def want(product_ids: Iterable[str]) -> None:
    """Have the pictures of these products fetched, as far as their address is new."""
    ids = [UUID(str(one)) for one in product_ids]
    pictured = select(
        literal(scope.tenant_id(), Product.tenant_id.type),
        Product.id,
        Product.image_url,
        func.now(),
        literal(""),
        literal(""),
        literal(0),
    )
    pictured = pictured.where(Product.id.in_(ids), Product.image_url != "", Product.active.is_(True))
    new = insert(ProductPicture).from_select(
        ["tenant_id", "id", "url", "due_at", "digest", "trouble", "tries"], pictured, include_defaults=False
    )
    db.session.execute(
        new.on_conflict_do_update(
            index_elements=["tenant_id", "id"],
            set_={"url": new.excluded.url, "due_at": new.excluded.due_at, "tries": 0, "trouble": ""},
            where=ProductPicture.url != new.excluded.url,
        )
    )
    _point("", Product.id.in_(ids), Product.image_url == "", Product.picture_digest != "")
    gone = select(Product.id).where(Product.id.in_(ids), Product.image_url == "")
    db.session.execute(
        delete(ProductPicture).where(ProductPicture.id.in_(gone)).execution_options(synchronize_session=False)
    )


def due() -> list[int]:
    """Return the companies that have pictures to be fetched; in a unit of work over all tenants."""
    query = select(ProductPicture.tenant_id).where(ProductPicture.due_at <= func.now()).distinct()
    return list(db.session.scalars(query))


def fetch_some(tenant_id: int, *, budget: float = BUDGET) -> int:
    """Fetch pictures of a company until none is due or the time is over; returns how many were made."""
    until, made = time.monotonic() + budget, 0
    while time.monotonic() < until:
        with work.unit(tenant_id=tenant_id):
            claimed = _claim()
        if not claimed:
            break
        for product_id, url, tries in claimed:
            if time.monotonic() >= until:
                break
            made += _fetch(tenant_id, product_id, url, tries)
    return made


def _claim() -> list[tuple[UUID, str, int]]:
    """Take some pictures for a while, so that nobody else fetches them; a worker that dies leaves them due again."""
    wanted = select(ProductPicture).where(ProductPicture.due_at <= func.now()).order_by(ProductPicture.due_at)
    found = db.session.scalars(wanted.limit(AT_ONCE).with_for_update(skip_locked=True)).all()
    for row in found:
        row.due_at = db.session.scalar(select(func.now())) + LEASE
    return [(row.id, row.url, row.tries) for row in found]


def _fetch(tenant_id: int, product_id: UUID, url: str, tries: int) -> bool:
    """Fetch one picture outside of any transaction and keep it, or why it did not come."""
    from saas.catalog import thumbnails  # its library is heavy, and only this job needs it

    try:
        data, width, height = thumbnails.made(fetched(url))
    except thumbnails.NoPicture as problem:
        return _note(tenant_id, product_id, url, trouble=str(problem), again=None)
    except Elsewhere as problem:
        again = AGAIN[tries] if problem.again and tries < len(AGAIN) else None
        return _note(tenant_id, product_id, url, trouble=str(problem), again=again)
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    with work.unit(tenant_id=tenant_id):
        row = {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "digest": digest, "width": width, "height": height,
               "data": data, "made_at": clock.now()}  # fmt: skip
        db.session.execute(insert(Picture).values(row).on_conflict_do_nothing(index_elements=["tenant_id", "digest"]))
        kept = _write(product_id, url, digest=digest, trouble="", tries=0, due_at=None)
        if kept:
            _point(digest, Product.id == product_id)
            announce(PicturesMade(product_ids=[str(product_id)]))
    return bool(kept)


def _note(tenant_id: int, product_id: UUID, url: str, *, trouble: str, again: timedelta | None) -> bool:
    with work.unit(tenant_id=tenant_id):
        later = None if again is None else func.now() + again
        _write(product_id, url, digest="", trouble=trouble[:500], tries=ProductPicture.tries + 1, due_at=later)
    return False


def _point(digest: str, *wanted: Any) -> None:
    """Have products show a small picture, or theirs again; what the shop said of them is not changed by it."""
    shown = update(Product).where(*wanted).values(picture_digest=digest, updated_at=Product.updated_at)
    db.session.execute(shown.execution_options(synchronize_session=False))


def _write(product_id: UUID, url: str, **values: Any) -> int:
    """Write what became of a picture, unless the product has another one meanwhile."""
    mine = (ProductPicture.id == product_id, ProductPicture.url == url)
    written = update(ProductPicture).where(*mine).values(**values).execution_options(synchronize_session=False)
    return db.session.execute(written).rowcount


def fetched(url: str, *, call: Callable[..., http_out.Answer] = http_out.call) -> bytes:
    """Return what lies at an address, which may lead on a few times; each address is judged anew. Raises Elsewhere."""
    for _hop in range(MOST_HOPS + 1):
        try:
            answer = call(
                "GET", url, headers={"Accept": "image/webp,image/jpeg,image/png,image/gif"}, most=MOST_BYTES, seconds=SECONDS
            )  # fmt: skip
        except http_out.Unreachable as problem:
            raise Elsewhere(problem.message, again=True) from None
        if answer.status in MOVED:
            told = {name.lower(): value for name, value in answer.headers.items()}.get("location", "")
            try:
                url = urljoin(url, told)
            except ValueError:
                raise Elsewhere("The address of the picture leads nowhere.", again=False) from None
            continue
        if answer.status != 200:
            raise Elsewhere(
                f"The address of the picture answered {answer.status}.", again=answer.status not in (403, 404, 410)
            )
        return answer.body
    raise Elsewhere("The address of the picture leads on and on.", again=False)


# Showing them


def read(name: str) -> bytes:
    """Return the picture of an address's last part; raises NoSuchPicture. Opens its own short transaction."""
    found = picture_addresses.read(name)
    if found is None:
        raise NoSuchPicture
    tenant_id, digest = found
    with pool.connection(tenant_id=tenant_id) as opened:
        row = opened.execute("SELECT data FROM pictures WHERE digest = %s", [digest]).fetchone()
    if row is None:
        raise NoSuchPicture
    return bytes(row[0])


def tidy(*, most: int = 1_000) -> int:
    """Throw away pictures that no product has had for a month (mails may show them until then); returns how many.

    Runs in a unit of work over all tenants.
    """
    used = exists().where(ProductPicture.tenant_id == Picture.tenant_id, ProductPicture.digest == Picture.digest)
    old = select(Picture.id).where(~used, Picture.made_at < clock.now() - timedelta(days=30)).limit(most)
    gone = delete(Picture).where(Picture.id.in_(old)).execution_options(synchronize_session=False)
    return db.session.execute(gone).rowcount
