"""Between a form's content and the fields of its editor: what can be asked, chosen and said, and what was typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _

from saas.customers import purposes
from saas.marketing import form_content
from saas.tenancy import custom_values, tenants
from tenant_admin import choices as known_choices


def kinds() -> dict[str, str]:
    """Return the kinds of forms by name."""
    return {"embed": _("In the page"), "flyout": _("Fly-out"), "banner": _("Banner"), "popup": _("Pop-up")}


def kind_texts() -> dict[str, str]:
    """Return what each kind is."""
    return {
        "embed": _("Stands where you put it."), "flyout": _("Comes from a corner and lets the page be used."),
        "banner": _("A strip at the top or bottom of the page."), "popup": _("A window over the page, which asks for attention."),
    }  # fmt: skip


def tongues() -> list[tuple[str, str]]:
    """Return the languages the company writes, as (code, name)."""
    named = dict(known_choices.languages())
    return [(form_content.tag(code), named.get(code, code)) for code in tenants.settings().languages or ["en"]]


def names() -> dict[str, str]:
    """Return what can be asked for, with the company's own fields."""
    plain = {
        "email": _("E-mail"), "first_name": _("First name"), "last_name": _("Last name"), "phone": _("Phone"), "birthday": _("Birthday"),
        "choice": _("A choice"),
    }  # fmt: skip
    own = {
        field.name: str(field.label)
        for field in custom_values.own_fields("customer")
        if field.type in form_content.OWN_TYPES
    }
    return plain | own


def askable(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every field with whether this form asks for it."""
    asked = {one["name"]: one for one in content.get("fields", ())}
    return [
        {"name": name, "label": label, "asked": name in asked or name == "email", "required": bool(asked.get(name, {}).get("required")),
         "question": asked.get(name, {}).get("question", {}), "options": "\n".join(asked.get(name, {}).get("options", []))}
        for name, label in names().items()
    ]  # fmt: skip


def consents(content: Mapping[str, Any], known: Iterable[purposes.Purpose]) -> list[dict[str, Any]]:
    """Return every purpose with whether this form asks for it, and in which words."""
    asked = {one["key"]: one for one in content.get("purposes", ())}
    return [
        {"key": one.key, "name": one.name, "asked": one.key in asked, "required": bool(asked.get(one.key, {}).get("required")),
         "wording": asked.get(one.key, {}).get("wording", {}), "own": {form_content.tag(key): said for key, said in one.wording.items()}}
        for one in known
    ]  # fmt: skip


def choices() -> dict[str, list[tuple[str, str]]]:
    """Return what can be chosen in the rules."""
    return {
        "visitors": [("all", _("Everybody")), ("new", _("Who is here for the first time")), ("returning", _("Who comes back"))],
        "devices": [("all", _("All devices")), ("phone", _("Phones")), ("desktop", _("Computers"))],
        "known": [("all", _("Everybody")), ("known", _("Whom we know")), ("unknown", _("Whom we do not know"))],
        "times": [("once", _("Once")), ("days", _("Again after some days")), ("always", _("On every page"))],
        "side": [("", _("As usual")), ("left", _("Left")), ("right", _("Right")), ("top", _("Top")), ("bottom", _("Bottom"))],
        "is": [("contains", _("contains")), ("equals", _("is"))],
    }  # fmt: skip


def beginning() -> dict[str, Any]:
    """Return what a new form begins with: an address, the first name, and consent to news."""
    said = {
        "en": {"title": "Ten minutes of good news a month", "text": "Leave your address and be the first to know.", "button": "Sign up", "thanks": "Thank you."},
        "zh": {"title": "每月好消息", "text": "留下邮箱，抢先知道。", "button": "订阅", "thanks": "谢谢。"},
    }  # fmt: skip
    spoken = [code for code, _name in tongues()]
    texts = {code: said["zh" if code.startswith("zh") else "en"] for code in spoken}
    return {
        "fields": [{"name": "email"}, {"name": "first_name"}], "purposes": [{"key": purposes.MAIN, "required": True}], "texts": texts,
        "rules": {"seconds": 15, "exit": True}, "limits": {"times": "days", "days": 30},
    }  # fmt: skip


def typed(form: Any) -> dict[str, Any]:
    """Return the content that the editor's fields hold."""
    languages = [code for code, _name in tongues()]
    fields: list[dict[str, Any]] = []
    for name in names():
        if form.get(f"ask.{name}"):
            one: dict[str, Any] = {"name": name, "required": bool(form.get(f"required.{name}"))}
            if name == "choice":
                one["question"] = {code: form.get(f"question.{code}", "") for code in languages}
                one["options"] = form.get("options", "").splitlines()
            fields.append(one)
    asked = [
        {
            "key": key,
            "required": bool(form.get(f"must.{key}")),
            "wording": {code: form.get(f"wording.{key}.{code}", "") for code in languages},
        }
        for key in form.getlist("purposes")
    ]
    texts = {code: {part: form.get(f"text.{code}.{part}", "") for part in form_content.TEXTS} for code in languages}
    rules = {
        name: form.get(f"rules.{name}", "")
        for name in ("seconds", "scroll", "exit", "cart_over", "visitors", "devices", "known", "from", "until")
    }
    page = {"is": form.get("rules.page_is", "contains"), "value": form.get("rules.page", "")}
    return {
        "fields": fields, "purposes": asked, "texts": texts,
        "look": {name: form.get(f"look.{name}", "") for name in ("accent", "ground", "ink", "radius", "picture", "side")},
        "after": {name: form.get(f"after.{name}", "") for name in ("coupon", "coupon_id", "redirect")},
        "rules": rules | {"pages": [page], "languages": form.getlist("rules.languages")},
        "limits": {name: form.get(f"limits.{name}", "") for name in ("times", "days", "session_most", "apart_seconds")},
    }  # fmt: skip


def labels(problems: Mapping[str, Any]) -> dict[str, str]:
    """Return what the places of faults are called."""
    words = {"fields": _("What is asked"), "purposes": _("Consent"), "texts": _("Words"), "look": _("Looks"), "after": _("Afterwards"),
             "rules": _("When it is shown"), "limits": _("How often")}  # fmt: skip
    return {"name": _("Name"), "kind": _("Kind")} | {
        place: words[place.split(".")[1]]
        for place in problems
        if place.startswith("content.") and place.split(".")[1] in words
    }


def told(values: Mapping[str, str], hidden: Iterable[str]) -> str:
    """Return in one line what somebody told of themselves, without what the reader may not see."""
    known, barred = names(), set(hidden)
    return " · ".join(f"{known.get(name, name)}: {value}" for name, value in values.items() if name not in barred)
