"""Reviews: what shoppers say, looked at and answered, how many of each star are shown and declined, and how it is asked for."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from saas.catalog import products
from saas.commerce import finding as orders_found
from saas.customers import finding as people
from saas.kit import access, doors, errors, work
from saas.kit import db as kit_db
from saas.kit import pages as paging
from saas.marketing import review_letters
from saas.reviews import asking, bringing, judging, photos, settings, summaries, votes, writing
from saas.tenancy import audit
from tenant_admin import form_fields, frame

pages = Blueprint("reviews", __name__)
LIMIT = 25
STATES = ("waiting", "published", "declined", "withdrawn")


def states() -> dict[str, tuple[str, str]]:
    """Return how a review may stand, each with its tone."""
    return {
        "waiting": ("warning", _("To be looked at")), "published": ("good", _("Shown")), "declined": ("grey", _("Declined")),
        "withdrawn": ("grey", _("Taken back by the shopper")),
    }  # fmt: skip


def held_words() -> dict[str, str]:
    """Return why a review waits, in words."""
    return {
        "unverified": _("Nobody knows whether they bought it"), "rule": _("Everything is looked at first"), "link": _("There is a link in it"),
        "contact": _("There is an address or a number in it"), "word": _("One of your words stands in it"), "photo": _("It has a new picture"),
        "reported": _("Several visitors reported it"), "edited": _("It was declined before and was changed"), "shop": _("It waited in the shop"),
    }  # fmt: skip


def reasons() -> dict[str, str]:
    """Return why a review may be declined."""
    return {
        "spam": _("It advertises something"), "not_genuine": _("It is not about something that was bought or used"), "insult": _("It insults somebody"),
        "personal_data": _("It tells of somebody who did not agree"), "off_topic": _("It is not about the product"), "unlawful": _("It is against the law"),
        "wish": _("Whoever wrote it asked for that"), "other": _("Another reason, in words"),
    }  # fmt: skip


def origins() -> dict[str, str]:
    """Return where a review was written."""
    return {"mail": _("by the link in the mail"), "portal": _("on their own page"), "page": _("on the shop's page"), "shop": _("in the shop"), "api": _("by a program")}  # fmt: skip


@pages.get("/marketing/reviews")
@doors.open_to("member", "products.read")
def index() -> str:
    """List reviews, those to be looked at first."""
    given, counts = request.args, summaries.counts()
    state = given.get("state", "waiting" if counts.get("waiting") else "")
    wanted = {
        "state": state if state in STATES else None, "stars": int(given["stars"]) if given.get("stars") in ("1", "2", "3", "4", "5") else None,
        "product_id": kit_db.uuid(given.get("product", "")) if given.get("product") else None, "reported": bool(given.get("reported")),
    }  # fmt: skip
    page = paging.page(summaries.listed(**wanted), order=summaries.NEWEST, cursor=given.get("cursor"), limit=LIMIT)
    product = products.many([wanted["product_id"]]).get(wanted["product_id"]) if wanted["product_id"] else None
    kept = {name: given[name] for name in ("stars", "product", "reported") if given.get(name)}
    tabs = [
        {"label": label, "url": url_for("reviews.index", state=key, **kept), "active": (wanted["state"] or "all") == key, "count": counts.get(key) or None}
        for key, label in (("all", _("All")), *((key, label) for key, (_tone, label) in states().items()))
    ]  # fmt: skip
    return render_template(
        "reviews/index.html", rows=[_row(one) for one in page.items], next=page.next, tabs=tabs, states=states(), held=held_words(), reasons=reasons(),
        by_star=summaries.declined_by_star(), asked=asking.counts(), product=product.name if product else "", filtered=bool(kept) or wanted["state"] is not None,
        total=sum(counts.values()), kept=kept, wanted=wanted,
    )  # fmt: skip


def _row(one: Any) -> dict[str, Any]:
    return {
        "id": one.id, "stars": one.stars, "title": one.title, "body": one.body, "name": one.name, "state": one.state, "held": list(one.held or []),
        "verified": one.verified, "product": one.product_name, "product_id": one.product_id, "at": one.written_at, "photo": bool(one.photo_mark),
        "reports": one.reports, "answer": one.answer,
    }  # fmt: skip


@pages.get("/marketing/reviews/<review_id>")
@doors.open_to("member", "products.read")
def show(review_id: str) -> str:
    """Show one with what may be done with it."""
    return _page(review_id)


@pages.post("/marketing/reviews/<review_id>")
@doors.open_to("member", "products.edit")
def decide(review_id: str) -> Any:
    """Publish it, hold it back, or decline it with a reason."""
    form = request.form
    try:
        judging.decide(
            [review_id], state=form.get("state", ""), reason=form.get("reason", ""), words=form.get("words", "")
        )
    except (judging.BadDecision, judging.Withdrawn) as refusal:
        work.forget()
        return _page(review_id, refusal), refusal.status
    frame.toast(_("Done."), undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("reviews.show", review_id=review_id))


@pages.post("/marketing/reviews/<review_id>/answer")
@doors.open_to("member", "products.edit")
def answer(review_id: str) -> Response:
    """Answer it; the answer stands beneath it in the shop."""
    judging.answer(review_id, request.form.get("answer", ""))
    frame.toast(_("Saved."), undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("reviews.show", review_id=review_id))


@pages.post("/marketing/reviews/many")
@doors.open_to("member", "products.edit")
def many() -> Response:
    """Decide about the chosen, all alike."""
    form = request.form
    try:
        changed = judging.decide(
            form.getlist("ids"), state=form.get("state", ""), reason=form.get("reason", ""), words=form.get("words", "")
        )
    except judging.BadDecision as refusal:
        work.forget()
        frame.toast(" ".join(sentence for told in refusal.fields.values() for sentence in told), kind="warning")
        return frame.go(url_for("reviews.index"))
    frame.toast(_("%(count)s reviews changed.", count=changed))
    return frame.go(url_for("reviews.index"))


@pages.get("/marketing/reviews/<review_id>/photo")
@doors.open_to("member", "products.read")
def photo(review_id: str) -> Response:
    """Show the picture, also while the review is not shown."""
    data = photos.held(writing.one(review_id))
    return Response(data, content_type="image/jpeg", headers={"Cache-Control": "private, no-store", "Content-Security-Policy": "default-src 'none'; sandbox"})  # fmt: skip


def _page(review_id: str, refusal: errors.Refusal | None = None) -> str:
    found = writing.one(review_id)
    hidden = access.hidden("customer")
    known = people.many([found.customer_id]) if found.customer_id and access.may("customers.read") else {}
    buyer = known.get(found.customer_id)
    order = (
        orders_found.many([found.order_id]).get(found.order_id)
        if found.order_id and access.may("orders.read")
        else None
    )
    return render_template(
        "reviews/show.html", one=found, states=states(), held=held_words(), reasons=reasons(), origin=origins()[found.origin], buyer=buyer,
        order=order if order is not None and "number" not in access.hidden("order") else None, email="" if "email" in hidden else found.email,
        reports=votes.reports_of(found.id), typed=request.form if refusal else {}, errors=refusal.fields if refusal else {},
        refused=refusal.message if refusal and not refusal.fields else "",
    )  # fmt: skip


@pages.route("/marketing/reviews/settings", methods=["GET", "POST"])
@doors.open_to("member", "campaigns.edit")
def change_settings() -> Any:
    """Show how reviews are asked for and judged, or change it."""
    if request.method == "GET":
        return _settings(settings.held())
    form = request.form
    sources = {
        str(key): {"on": bool(form.get(f"on.{key}")), **{name: form.get(f"{name}.{key}", "") for name in settings.DAYS}} for key, _name in settings.sources()
    }  # fmt: skip
    letters = {
        code: {part: form.get(f"{part}.{code}", "") for part in settings.PARTS} for code, _name in form_fields.tongues()
    }
    given: dict[str, Any] = {
        name: bool(form.get(name)) for name in ("agreed_only", "hold_links", "hold_photos", "page", "offer_stars")
    }
    given |= {
        "sources": sources, "letters": letters, "remind_days": form.get("remind_days", ""), "bad_words": form.get("bad_words", ""),
        "publish": form.get("publish", ""), "offer_stars_from": form.get("offer_stars_from", ""),
    }  # fmt: skip
    try:
        settings.change(**given)
    except settings.BadSettings as refusal:
        work.forget()
        return _settings(
            settings.held() | given | {"bad_words": form.get("bad_words", "").splitlines()}, refusal.fields
        ), refusal.status
    frame.toast(_("Saved."), undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("reviews.change_settings"))


@pages.post("/marketing/reviews/fetch")
@doors.open_to("member", "shops.edit")
def fetch() -> Response:
    """Have a store's reviews fetched, and compared with it from then on."""
    bringing.fetch(request.form.get("shop", ""))
    frame.toast(_("The reviews of the store are being fetched; from now on they are compared every day."))
    return frame.go(url_for("reviews.change_settings"))


def _settings(values: dict[str, Any], problems: dict | None = None) -> str:
    ours = {code: review_letters.words(code) for code, _name in form_fields.tongues()}
    sources = [
        {"id": str(key), "name": name, **settings.OF_A_SHOP, **(values["sources"].get(str(key)) or {})}
        for key, name in settings.sources()
    ]
    stores = [
        {
            "id": one.id,
            "name": one.name,
            **bringing.standing(one.id),
            "done_at": bringing.moment(bringing.standing(one.id).get("done_at")),
        }
        for one in bringing.stores()
    ]
    return render_template(
        "reviews/settings.html",
        values=values,
        sources=sources,
        stores=stores,
        problems=problems or {},
        tongues=form_fields.tongues(),
        ours=ours,
    )
