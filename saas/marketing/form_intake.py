"""Taking what somebody sent by a form: stored at once with the same answer for everybody, taken into the profiles after.

Whoever types an address may type another's. So the browser is only claimed to be the customer's, what is known of somebody
is not overwritten, and nobody has agreed to anything, until there was a click in the mail that goes to that address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from saas.commerce import coupon_codes, coupons
from saas.customers import asking, consent, identity, joins, profiles, purposes, timeline
from saas.customers.models import NO_SOURCE, ConsentRequest
from saas.kit import clock, errors, identifiers, rates, text
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.marketing import form_content, form_trials, form_words, forms
from saas.marketing.events import FormReceived, FormSubmitted
from saas.marketing.models import Form, FormSubmission
from saas.tenancy import custom_values

QUICKEST = 700  # milliseconds in which nobody fills in a form
TRAP = "website"
OF_PROFILE = ("first_name", "last_name", "phone")
MOST_VALUE = 500
AN_ADDRESS, A_PLACE = "6/hour", "30/hour"
VISITOR = re.compile(r"[A-Za-z0-9_-]{16,64}")


class NotFilledIn(errors.Invalid):
    """Something is missing or cannot be right; `fields` says what."""


CAME_BY = ("place", "address", "browser", "form", "form_id", "version", "trial", "arm", "variant")
"""What of a submission's proof is kept with a consent that came by it."""


@dataclass(frozen=True)
class Sender:
    """Who sends a form, as far as the door knows."""

    address: str
    browser: str
    source_id: UUID | None


def receive(form_id: str, given: Mapping[str, Any], sender: Sender) -> dict[str, str]:
    """Store what somebody sent and return what is said to them; machines hear the same. Raises NoSuchForm or NotFilledIn."""
    form = forms.one(form_id)
    if form.state != "live":
        raise forms.NoSuchForm
    language = text.clean(str(given.get("language") or ""), most=12)
    values = _values(form, given.get("values"))
    agreed = _agreed(form, given.get("purposes"))
    browser = visitor(given.get("visitor"))
    trial_id, arm = form_trials.sent_with(form, given.get("arm"), browser if given.get("counted") is True else "")
    content = form_trials.content_of(form, trial_id, arm)
    answer = _answer(content, language, agreed)
    if machine(given) or not rates.allow(f"form-mail:{form.tenant_id}:{values['email'].lower()}", AN_ADDRESS):
        return answer
    made = FormSubmission(
        id=identifiers.new(), form_id=form.id, source_id=sender.source_id, visitor=browser, email=values.pop("email"),
        language=language, values=values, agreed=agreed, counted=given.get("counted") is True, sent_at=clock.now(),
        trial_id=trial_id, arm=arm,
        proof=_proof(form, given, sender, language, agreed) | _tried(trial_id, arm),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    _show_code(form, content, made, answer)
    announce(FormReceived(submission_id=str(made.id)))
    return answer


def _show_code(form: Form, content: Mapping[str, Any], sent: FormSubmission, answer: dict[str, str]) -> None:
    """Show a code of their own at once where one lies ready; the mail brings it anyway, and later where none does.

    Whoever sends a form is shown a new code, known or not, so that nobody learns of an address whether it is known here.
    """
    coupon_id = (content.get("after") or {}).get("coupon_id")
    if not coupon_id:
        return
    try:
        found = coupon_codes.give(
            coupon_id, customer_id=None, by="form", key=_wish(sent), given_for=form.id, only_ready=True
        )
    except (coupons.Stopped, coupons.NoSuchCoupon):
        return
    if found is not None:
        answer["coupon"] = found.code
    else:
        answer["next"] = form_words.in_language(sent.language)["mailed_code"]


def _wish(sent: FormSubmission) -> str:
    return f"form:{sent.id}"


def _give_code(form: Form, sent: FormSubmission, *, mailed: bool) -> None:
    """Tie the code that was shown to its customer, or give one now; the mail with it waits for their confirmation where one
    is asked for."""
    coupon_id = (form_trials.content_for(form, sent).get("after") or {}).get("coupon_id")
    if not coupon_id or sent.customer_id is None:
        return
    try:
        code = coupon_codes.by_key(UUID(coupon_id), _wish(sent))
        if code is not None:
            code = coupon_codes.tie(code.id, sent.customer_id)
        else:
            code = coupon_codes.give(
                coupon_id, customer_id=sent.customer_id, by="form", key=_wish(sent), given_for=form.id
            )
    except (coupons.Stopped, coupons.NoSuchCoupon, coupon_codes.HadAlready):
        return
    if code is not None and mailed:
        coupon_codes.mail(code, language=sent.language)


def machine(given: Mapping[str, Any]) -> bool:
    """Tell whether a machine filled it in: the field nobody sees, or faster than anybody types."""
    took = given.get("took")
    return bool(given.get(TRAP)) or not isinstance(took, (int, float)) or took < QUICKEST


def visitor(given: Any) -> str:
    """Return a browser's own id, or nothing where it gave none (it does not before its visitor agreed to statistics)."""
    own = str(given or "")
    return own if VISITOR.fullmatch(own) else ""


def _values(form: Form, given: Any) -> dict[str, str]:
    """Return what was typed into the fields the form has."""
    typed = given if isinstance(given, Mapping) else {}
    found: dict[str, str] = {}
    problems: dict[str, list[str]] = {}
    for field in form.content.get("fields", ()):
        name = field["name"]
        value = text.clean(str(typed.get(name) or ""), most=MOST_VALUE)
        if name == "choice" and value and value not in field["options"]:
            value = ""
        if not value:
            if field["required"]:
                problems[name] = [_("Please fill this in.")]
            continue
        found[name] = value
    try:
        text.email(found.get("email", ""))
    except text.NotAnEmail:
        problems["email"] = [_("This is not an e-mail address.")]
    if problems:
        raise NotFilledIn(fields=problems)
    return found


def _agreed(form: Form, given: Any) -> list[str]:
    ticked = set(given) if isinstance(given, list) and all(isinstance(one, str) for one in given) else set()
    problems = {
        f"purposes.{one['key']}": [_("Please fill this in.")]
        for one in form.content.get("purposes", ())
        if one["required"] and one["key"] not in ticked
    }
    if problems:
        raise NotFilledIn(fields=problems)
    return [one["key"] for one in form.content.get("purposes", ()) if one["key"] in ticked]


def _answer(content: Mapping[str, Any], language: str, agreed: list[str]) -> dict[str, str]:
    """Return what the browser shows afterwards; it says nothing about whether anybody is known."""
    said, short = content.get("texts") or {}, language.partition("-")[0]
    words = said.get(language) or said.get(short) or next(iter(said.values()), {})
    after, small = content.get("after") or {}, form_words.in_language(language)
    return {
        "state": "taken", "thanks": words.get("thanks") or small["thanks"], "next": small["mailed"] if agreed else "",
        "coupon": after.get("coupon") or "", "redirect": after.get("redirect") or "",
    }  # fmt: skip


def _proof(form: Form, given: Mapping[str, Any], sender: Sender, language: str, agreed: list[str]) -> dict[str, Any]:
    """Return what proves it later: the words they saw, on which page, from where. A browser may have an older version."""
    own = {
        one["key"]: form_content.words_of(one, language)
        for one in form.content.get("purposes", ())
        if one["key"] in agreed
    }
    saw = given.get("saw") if given.get("version") != form.version else None
    if isinstance(saw, Mapping):
        own |= {key: text.clean(str(saw[key]), most=purposes.LONGEST) for key in own if saw.get(key)}
    return {
        "wording": own, "place": text.clean(str(given.get("url") or ""), most=2000), "address": sender.address,
        "browser": text.clean(sender.browser, most=200), "form": form.name, "form_id": str(form.id), "version": _version(form, given),
    }  # fmt: skip


def _version(form: Form, given: Mapping[str, Any]) -> int:
    """Return the version they saw: a browser may have kept an older one."""
    seen = given.get("version")
    return seen if isinstance(seen, int) and 1 <= seen <= form.version else form.version


def _tried(trial_id: UUID | None, arm: str | None) -> dict[str, Any]:
    """Return which variant of a trial they saw, by the name it has now."""
    if trial_id is None or arm is None:
        return {}
    return {"trial": str(trial_id), "arm": arm, "variant": form_trials.arm_in(trial_id, arm).get("name", "")}


def one(submission_id: str, *, lock: bool = False) -> FormSubmission | None:
    """Return what was sent, or None when it is gone."""
    query = select(FormSubmission).where(FormSubmission.id == UUID(submission_id))
    return db.session.scalars(query.with_for_update() if lock else query).one_or_none()


def take(submission_id: str) -> None:
    """Take a submission into the profiles: find or make the customer, claim the browser, and ask by mail what they agreed to."""
    sent = one(submission_id, lock=True)
    if sent is None or sent.taken_at is not None:
        return
    sent.taken_at = clock.now()
    known = identity.find("email", text.email(sent.email))
    fields = {} if known else {name: sent.values[name] for name in OF_PROFILE if sent.values.get(name)}
    sent.customer_id = known or profiles.find_or_create(
        email=sent.email, source="form", language=sent.language[:2], **fields
    )
    if sent.customer_id is None:
        return
    sent.won = known is None
    if sent.won:
        _fill_in(sent)
    if sent.visitor:
        identity.bind_visitor(sent.visitor, sent.customer_id, proven=False, evidence=_evidence(sent))
    form = forms.one(sent.form_id)
    timeline.add(
        customer_id=sent.customer_id, kind="identified", at=sent.sent_at, title=_("Sent the form “%(name)s”", name=form.name),
        key=f"form:{sent.id}", details={"form": str(form.id), "page": sent.proof.get("place", "")},
    )  # fmt: skip
    _give_code(form, sent, mailed=not _ask(sent))
    announce(FormSubmitted(form_id=str(form.id), submission_id=str(sent.id), customer_id=str(sent.customer_id)))


def _ask(sent: FormSubmission) -> bool:
    """Ask by mail for each purpose that mails are written for; what is for other ways waits for the same click. Tells whether
    anything was asked."""
    asked = False
    known, held = purposes.known(set(sent.agreed)), consent.states(sent.customer_id)
    for key in sent.agreed:
        purpose = known.get(key)
        standing = held.get(("email", key))
        if purpose is None or "email" not in purpose.channels or (standing is not None and standing.state == "granted"):
            continue
        proof = {name: sent.proof[name] for name in CAME_BY if name in sent.proof}
        asking.ask_many(
            [sent.customer_id], purpose=purpose, source="form", proof=proof | {"submission": str(sent.id)},
            wording=sent.proof.get("wording", {}).get(key, ""), language=sent.language,
        )  # fmt: skip
        asked = True
    return asked


def follow_confirmed(request_id: str) -> None:
    """The click in the mail proves what was sent: whose browser it was, what they typed, and what else they agreed to."""
    request = db.session.scalars(select(ConsentRequest).where(ConsentRequest.id == UUID(request_id))).one_or_none()
    sent = one(request.proof["submission"], lock=True) if request and request.proof.get("submission") else None
    if sent is None or sent.confirmed_at is not None or sent.customer_id is None:
        return
    sent.confirmed_at = request.confirmed_at or clock.now()
    coupon_id = (form_trials.content_for(forms.one(sent.form_id), sent).get("after") or {}).get("coupon_id")
    code = coupon_codes.by_key(UUID(coupon_id), _wish(sent)) if coupon_id else None
    if code is not None and code.customer_id is not None:
        coupon_codes.mail(code, language=sent.language)
    _fill_in(sent)
    _agree_otherwise(sent)
    entry = consent.states(sent.customer_id).get(("email", request.purpose))
    if sent.visitor and entry is not None and _same_place(sent, entry.proof):
        identity.bind_visitor(sent.visitor, sent.customer_id, proven=True, evidence=_evidence(sent, confirmed=True))


def _evidence(sent: FormSubmission, *, confirmed: bool = False) -> joins.Evidence:
    at = sent.confirmed_at if confirmed else sent.sent_at
    ref = f"{sent.id}:confirmed" if confirmed else str(sent.id)
    return evidence(ref=ref, shop_id=sent.source_id, url=sent.proof.get("place", ""), at=at)


def evidence(*, ref: str, shop_id: UUID | None, url: str, at: datetime | None = None) -> joins.Evidence:
    """Return what speaks for it that a browser is somebody's: what they typed there themselves."""
    return joins.Evidence(way="form", at=at or clock.now(), ref=ref, shop_id=shop_id or NO_SOURCE, url=url)


def _same_place(sent: FormSubmission, proof: Mapping[str, Any]) -> bool:
    """Tell whether the mail was clicked where the form was filled in.

    Somebody may type another's address, and the other may click; then that other's history must not open in the first one's
    browser, so it stays a claim.
    """
    return bool(sent.proof.get("address")) and proof.get("confirmed_from") == sent.proof["address"]


def _agree_otherwise(sent: FormSubmission) -> None:
    """Record what they agreed to by other ways than mail, now that we know it was them."""
    for key, purpose in purposes.known(set(sent.agreed)).items():
        for channel in purpose.channels:
            if channel != "email" and not (channel in ("sms", "phone") and not sent.values.get("phone")):
                proof = sent.proof | {"wording": sent.proof.get("wording", {}).get(key, ""), "confirmed": True}
                consent.grant(
                    customer_id=sent.customer_id,
                    channel=channel,
                    purpose=key,
                    source="form",
                    at=sent.sent_at,
                    proof=proof,
                )


def _fill_in(sent: FormSubmission) -> None:
    """Write what they told of themselves into their profile where it is empty; what cannot be read stays with the form."""
    customer = profiles.one(sent.customer_id)
    fields: dict[str, Any] = {
        name: sent.values[name] for name in OF_PROFILE if sent.values.get(name) and not getattr(customer, name)
    }
    own = {field.name: field for field in custom_values.own_fields("customer")}
    held = custom_values.shown("customer", customer)
    told = {name: value for name, value in sent.values.items() if name in own} | _birthday(sent, own)
    custom = {own[name].key: value for name, value in told.items() if held.get(own[name].key) in (None, "", [])}
    for part in ({"custom": {key: value}} for key, value in custom.items()):
        _try(customer.id, part)
    if fields:
        _try(customer.id, fields)


def _birthday(sent: FormSubmission, own: Mapping[str, Any]) -> dict[str, str]:
    field = own.get("custom.birthday")
    told = sent.values.get("birthday")
    return {"custom.birthday": told} if told and field is not None and field.type == "date" else {}


def _try(customer_id: UUID, fields: dict[str, Any]) -> None:
    try:
        with db.session.begin_nested():
            profiles.change(customer_id, **fields)
    except errors.Refusal:
        pass
