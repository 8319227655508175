"""What the shops' pages are told of the forms: one answer for every visitor, kept ready in Valkey.

It holds nothing of any person. Who may see which form is decided in the browser, by rules that come with it, so that the
answer can be kept by browsers and caches in between.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select

from saas.customers import purposes
from saas.kit import valkey, work
from saas.kit.db import db
from saas.marketing import form_cache, form_content, form_trials, form_words, watch_settings
from saas.marketing.models import Form, FormTrial
from saas.tenancy import custom_values, tenants

log = logging.getLogger(__name__)
KEPT_FOR = form_cache.KEPT_FOR


def told(tenant_id: int) -> tuple[str, bytes]:
    """Return the answer for a company's pages, with its mark; asks the database once a minute at most while Valkey is there."""
    try:
        held = valkey.quick().get(form_cache.key(tenant_id))
    except form_cache.AWAY:
        held = None
    if held is None:
        with work.unit(tenant_id=tenant_id):
            held = orjson.dumps(_made())
        try:
            valkey.quick().set(form_cache.key(tenant_id), held, ex=KEPT_FOR)
        except form_cache.AWAY as error:
            log.warning("the forms of tenant %s are not kept: %s", tenant_id, error)
    return hashlib.sha256(held).hexdigest()[:24], held


def _made() -> dict[str, Any]:
    live = db.session.scalars(select(Form).where(Form.state == "live").order_by(Form.id)).all()
    spoken = list(tenants.settings().languages or ["en"])
    return {"forms": [shown(form, spoken) for form in live], "watch": watch_settings.public()}


def given(tenant_id: int, visitor: str) -> dict[str, Any]:
    """Return what is different for a browser in the forms that are tried, with the arm it is given; nothing where none is."""
    tried = _tried(tenant_id) if visitor else []
    if not tried:
        return {}
    arms = {}
    for trial in tried:
        arm = form_trials.arm_of(trial["id"], trial["arms"], visitor)
        arms[trial["form"]] = {"arm": form_trials.mark(trial["id"], arm["key"]), **arm["told"]}
    return {"arms": arms}


def _tried(tenant_id: int) -> list[dict[str, Any]]:
    """Return the running trials as browsers get their arms, kept ready as the forms themselves are; a unit of work is open."""
    try:
        held = valkey.quick().get(form_cache.trials_key(tenant_id))
    except form_cache.AWAY:
        held = None
    if held is None:
        held = orjson.dumps(_made_trials())
        try:
            valkey.quick().set(form_cache.trials_key(tenant_id), held, ex=KEPT_FOR)
        except form_cache.AWAY as error:
            log.warning("the trials of tenant %s are not kept: %s", tenant_id, error)
    return orjson.loads(held)


def _made_trials() -> list[dict[str, Any]]:
    together = (Form.tenant_id == FormTrial.tenant_id) & (Form.id == FormTrial.form_id)
    query = select(FormTrial, Form).join(Form, together).where(FormTrial.state == "running", Form.state == "live")
    spoken = list(tenants.settings().languages or ["en"])
    return [
        {"id": str(trial.id), "form": str(form.id),
         "arms": [{"key": arm["key"], "share": arm["share"], "told": _told_of(form, arm["content"], spoken)} for arm in trial.arms]}
        for trial, form in db.session.execute(query).all()
    ]  # fmt: skip


def _told_of(form: Form, parts: dict[str, Any], spoken: list[str]) -> dict[str, Any]:
    """Return what a variant has of its own, as a browser gets it."""
    names = {"words": "texts", "look": "look", "rules": "rules"}
    whole = shown(Form(id=form.id, kind=form.kind, content={**form.content, **parts}, version=form.version), spoken)
    return {told: whole[told] for told, part in names.items() if part in parts}


def drawn(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return a form that is being written as a browser gets it, for a preview."""
    return shown(
        Form(id=UUID(int=0), kind=kind, content=content, version=0), list(tenants.settings().languages or ["en"])
    )


def shown(form: Form, spoken: list[str]) -> dict[str, Any]:
    """Return a form as a browser gets it; what is said afterwards and the coupon come only with the answer to it."""
    content, known = form.content, {one.key: one for one in purposes.listed()}
    said: dict[str, dict[str, str]] = content.get("texts") or {}
    languages = list(dict.fromkeys([*said, *map(form_content.tag, spoken)]))
    words = {
        language: form_words.in_language(language)
        | _without(said.get(language) or next(iter(said.values()), {}), "thanks")
        for language in languages
    }
    return {
        "id": str(form.id), "kind": form.kind, "version": form.version, "fields": _fields(content, languages),
        "purposes": [
            {"key": one["key"], "required": one["required"], "words": {language: form_content.words_of(one, language, known) for language in languages}}
            for one in content.get("purposes", ())
        ],
        "words": words, "look": content.get("look") or {}, "rules": content.get("rules") or {}, "limits": content.get("limits") or {},
    }  # fmt: skip


def _without(words: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in words.items() if key != name}


def _fields(content: dict[str, Any], languages: list[str]) -> list[dict[str, Any]]:
    own = {field.name: field for field in custom_values.own_fields("customer")}
    found = []
    for one in content.get("fields", ()):
        name = one["name"]
        if name in own:
            field = own[name]
            choices = [[choice.key, choice.label] for choice in field.choices] if field.type == "choice" else []
            found.append(one | {"type": field.type, "label": str(field.label), "choices": choices})
        elif name == "choice":
            found.append({"name": name, "required": one["required"], "type": "choice", "labels": one["question"],
                          "choices": [[option, option] for option in one["options"]]})  # fmt: skip
        elif name in form_content.PLAIN_FIELDS:
            found.append(one | {"type": {"email": "email", "phone": "tel", "birthday": "date"}.get(name, "text")})
    return found
