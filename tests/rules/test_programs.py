"""Everything a person can do at the page a program can do too, or a sentence here says why not.

Each route of the page that changes or begins something names the operation of the API that does the same. Who adds a page
adds a line: an operation, or a reason that begins with one of REASONS.
"""

from __future__ import annotations

import re

import pytest

from saas.kit import doors
from tests import strangers

PROVING = "a person proves who they are: "
MONEY = "money: an owner says yes to it, signed in and confirmed: "
LOOKS = "how a person's own pages look: "
REASONS = (PROVING, MONEY, LOOKS)
ITSELF = PROVING + "it belongs to one person's own sign-in, and a key is nobody"
POWER = (
    PROVING
    + "keys, ways in and access of the platform are given by people only, or a stolen key could keep itself alive"
)

SAME = {
    # who is there
    "signing.accept": ITSELF, "signing.forgot": ITSELF, "signing.reset": ITSELF, "signing.sign_in": ITSELF, "signing.second": ITSELF, "signing.sign_up": ITSELF,
    "signing.second_options": ITSELF, "signing.passkey_options": ITSELF, "signing.with_passkey": ITSELF, "signing.sign_out": ITSELF,
    "signing.by_address": ITSELF, "signing.sso_link": ITSELF, "signing.verify": ITSELF, "signing.verify_again": ITSELF,
    "step_up.confirm": ITSELF, "step_up.options": ITSELF, "companies.act_for": ITSELF, "companies.found": ITSELF,
    "account.change": ITSELF, "account.change_password": ITSELF, "account.end_session": ITSELF, "account.end_all": ITSELF, "account.end_others": ITSELF,
    "factors.add_passkey": ITSELF, "factors.rename_passkey": ITSELF, "factors.remove_passkey": ITSELF, "factors.passkey_options": ITSELF,
    "factors.new_codes": ITSELF, "factors.begin": ITSELF, "factors.forget": ITSELF, "factors.prove": ITSELF,
    "keys.make": POWER, "keys.revoke": POWER, "sign_in.reset": POWER, "sign_in.second_factor": POWER, "sso.save": POWER, "sso.remove": POWER, "sso.switch": POWER,
    "sso.test": POWER, "sso.try_out": POWER, "sso.add_domain": POWER, "sso.check_domain": POWER, "sso.prove_by_address": POWER, "sso.remove_domain": POWER,
    "support.grant": POWER, "support.withdraw": POWER, "helping.enter": POWER, "helping.leave": POWER,
    "platform.give_up_event": POWER, "platform.retry_event": POWER, "platform.settle_job": POWER,
    # the plan
    "plan_changes.make": MONEY + "another plan", "plan.choose": MONEY + "the checkout is a page of Stripe's", "plan_changes.redeem": MONEY + "a voucher changes the price",
    "plan.go_free": MONEY + "giving the plan up", "plan.keep": MONEY + "keeping the plan", "plan.manage": MONEY + "cards are kept at Stripe's own page",
    "plan_changes.set_people": MONEY + "places for people", "closing.close": MONEY + "the company ends", "closing.reopen": MONEY + "the company goes on",
    # the company
    "settings.change": "PATCH /company", "sender.change": "PATCH /sender", "sender.check": "POST /sender/check", "sender.make_key": "POST /sender/key",
    "portal_admin.change": "PATCH /portal", "portal_admin.topics": "PATCH /portal", "returns.answer": "POST /returns/{return_id}/answer",
    "consents.make": "POST /consent-purposes", "consents.edit": "PATCH /consent-purposes/{key}", "consents.archive": "PATCH /consent-purposes/{key}",
    "retention.switch_on": "PUT /retention-rules/{rule}", "retention.switch_off": "DELETE /retention-rules/{rule}",
    "own_fields.make": "POST /fields/{kind}", "own_fields.change": "PATCH /fields/{kind}/{field_id}", "own_fields.archive": "PATCH /fields/{kind}/{field_id}",
    "own_fields.bring_back": "PATCH /fields/{kind}/{field_id}", "own_fields.delete": "DELETE /fields/{kind}/{field_id}", "own_fields.move": "PUT /fields/{kind}/order",
    "own_fields.choose": "POST /fields/{kind}/{field_id}/choices, PATCH /fields/{kind}/{field_id}/choices/{choice}, PUT /fields/{kind}/{field_id}/choices",
    "members.invite": "POST /members", "members.invite_again": "POST /members/{member_id}/invitation", "members.remove": "DELETE /members/{member_id}",
    "members.change_role": "PATCH /members/{member_id}", "roles.create": "POST /roles", "roles.edit": "PATCH /roles/{role_id}", "roles.delete": "DELETE /roles/{role_id}",
    "teams.create": "POST /teams", "teams.change": "PATCH /teams/{team_id}", "teams.dissolve": "DELETE /teams/{team_id}",
    "teams.put": "PUT /teams/{team_id}/members/{member_id}", "teams.take_out": "DELETE /teams/{team_id}/members/{member_id}",
    "views.create": "POST /views", "views.change": "PATCH /views/{view_id}", "views.default": "PATCH /views/{view_id}", "views.delete": "DELETE /views/{view_id}",
    "views.move": "PATCH /views/{view_id}",
    # webhooks and shops
    "webhooks.make": "POST /webhooks", "webhooks.edit": "PATCH /webhooks/{webhook_id}", "webhooks.set_state": "PATCH /webhooks/{webhook_id}",
    "webhooks.remove": "DELETE /webhooks/{webhook_id}", "webhooks.ping": "POST /webhooks/{webhook_id}/ping", "webhooks.renew_secret": "POST /webhooks/{webhook_id}/secret",
    "webhooks.replay": "POST /webhooks/{webhook_id}/messages/{message_id}/replay", "webhooks.replay_given_up": "POST /webhooks/{webhook_id}/replay",
    "shopify.begin": PROVING + "whom a shop belongs to agrees at Shopify, in a browser; a program connects one with an app's keys",
    "shops.connect": "POST /shops", "shops.settings": "PATCH /shops/{shop_id}", "shops.remove": "DELETE /shops/{shop_id}", "shops.renew_secret": "POST /shops/{shop_id}/secret",
    "guide.address": "PATCH /shops/{shop_id}", "guide.keys": "PATCH /shops/{shop_id}", "guide.check": "POST /shops/{shop_id}/checks",
    "guide.bring": "POST /shops/{shop_id}/fetch", "guide.ring": PROVING + "it only has the shop's own clock go on while somebody watches the page",
    "guide.approve": PROVING + "an administrator of the shop agrees there, in a browser; a program is given keys",
    "shops.pause": "POST /shops/{shop_id}/pause", "shops.resume": "POST /shops/{shop_id}/resume", "shops.restore": "POST /shops/{shop_id}/restore",
    "shops.fetch": "POST /shops/{shop_id}/fetch", "shops.replay": "POST /shops/{shop_id}/deliveries/{delivery_id}/replay", "shops.replay_all": "POST /shops/{shop_id}/deliveries/replay",
    "shops.look_again": "POST /shops/{shop_id}/reconcile", "shops.stop_fetching": "POST /shops/{shop_id}/stop-fetching",
    "payment_accounts.connect": POWER, "payment_accounts.begin": POWER, "payment_accounts.keep_secret": POWER, "payment_accounts.remove": POWER,
    "payment_accounts.tie": "PATCH /payment-accounts/{account_id}", "payment_accounts.fetch": "POST /payment-accounts/{account_id}/fetch",
    "coupons.create": "POST /coupons", "coupons.change": "PATCH /coupons/{coupon_id}", "coupons.stop": "POST /coupons/{coupon_id}/stop",
    "coupons.stop_code": "POST /coupons/{coupon_id}/codes/{code_id}/stop", "coupons.try_again": "POST /coupons/{coupon_id}/try-again",
    "coupons.give": "POST /coupons/{coupon_id}/give",
    # customers and products
    "customers.create": "POST /customers", "customers.edit": "PATCH /customers/{customer_id}", "customers.delete": "DELETE /customers/{customer_id}",
    "customers.tags": "PATCH /customers/{customer_id}", "customers.note": "POST /customers/{customer_id}/notes", "customers.hand_over": "PATCH /customers/{customer_id}",
    "customers.answer": "POST /recommendations/answers", "customers.take_back": "DELETE /recommendations/answers/{answer_id}",
    "customers.share": "POST /customers/{customer_id}/shares", "customers.unshare": "DELETE /customers/{customer_id}/shares/{share_id}",
    "customers.consent": "POST /customers/{customer_id}/consents", "consents.record": "POST /customers/{customer_id}/consents", "consents.ask": "POST /customers/{customer_id}/consents",
    "persons.export": "POST /customers/{customer_id}/data/export", "persons.erase": "POST /customers/{customer_id}/data/erase", "persons.erase_binned": "POST /bin/{item_id}/erase", "persons.many": "POST /customers/erase",
    "bulk.customers": "POST /customers/bulk_edit", "bulk.products": "POST /products/bulk_edit", "bulk.orders": "POST /orders/bulk_edit", "products.edit": "PATCH /products/{product_id}",
    "inline.save": "PATCH /customers/{customer_id}, PATCH /products/{product_id}, PATCH /orders/{order_id}",
    "duplicates.scan": "POST /customers/duplicates/scan", "duplicates.merge_safe": "POST /customers/duplicates/merge", "duplicates.reopen": "POST /customers/duplicates/reopen",
    "duplicates.decide": "PATCH /customers/duplicates/{pair_id}", "duplicates.redecide": "PATCH /customers/duplicates/{pair_id}", "duplicates.possible": "POST /customers/possible",
    "identity.unjoin": "POST /customers/{customer_id}/identity/{join_id}/unjoin", "identity.rejoin": "POST /customers/{customer_id}/identity/{parting_id}/rejoin",
    "duplicates.merge": "POST /customers/{customer_id}/merge", "duplicates.unmerge": "POST /customers/merges/{merge_id}/undo",
    # files, long work, the trace
    "imports.new": "POST /imports", "imports.change": "PATCH /imports/{import_id}", "imports.fix": "POST /imports/{import_id}/fixes", "imports.likely": "PATCH /imports/{import_id}",
    "imports.check": "POST /imports/{import_id}/check",
    "imports.run": "POST /imports/{import_id}/run", "imports.stop": "POST /imports/{import_id}/stop", "imports.undo": "POST /imports/{import_id}/undo", "imports.forget": "DELETE /imports/{import_id}",
    "exports.make": "POST /exports", "exports.chosen": "POST /exports", "history.export": "POST /audit/export", "undo.entry": "POST /audit/{entry_id}/undo",
    "operations.cancel": "POST /operations/{operation_id}/cancel", "operations.undo": "POST /operations/{operation_id}/undo",
    "bin.restore": "POST /bin/{item_id}/restore", "bin.delete": "DELETE /bin/{item_id}",
    # segments, mails, recommendations
    "segments.create": "POST /segments", "segments.edit": "PATCH /segments/{segment_id}", "segments.delete": "DELETE /segments/{segment_id}", "segments.preview": "POST /segments/preview",
    "campaigns.create": "POST /campaigns", "campaigns.edit": "PATCH /campaigns/{campaign_id}", "campaigns.delete": "DELETE /campaigns/{campaign_id}", "campaigns.copy": "POST /campaigns/{campaign_id}/copy",
    "campaigns.preview": "POST /campaigns/preview", "campaigns.send_test": "POST /campaigns/{campaign_id}/test", "campaigns.launch": "POST /campaigns/{campaign_id}/launch",
    "campaigns.schedule": "POST /campaigns/{campaign_id}/schedule", "campaigns.unschedule": "POST /campaigns/{campaign_id}/cancel", "campaigns.pause": "POST /campaigns/{campaign_id}/pause",
    "campaigns.resume": "POST /campaigns/{campaign_id}/resume", "campaigns.cancel": "POST /campaigns/{campaign_id}/cancel", "campaigns.again": "POST /campaigns/{campaign_id}/again",
    "templates.show": "PATCH /templates/{template_id}, POST /templates", "templates.delete": "DELETE /templates/{template_id}",
    "forms.create": "POST /forms", "forms.edit": "PATCH /forms/{form_id}", "forms.turn_on": "POST /forms/{form_id}/show", "forms.turn_off": "POST /forms/{form_id}/hide",
    "forms.copy": "POST /forms/{form_id}/copy", "forms.delete": "DELETE /forms/{form_id}", "forms.preview": LOOKS + "a preview is drawn while somebody writes, and nothing is kept",
    "form_trials.plan": "POST /forms/{form_id}/trials", "form_trials.start": "POST /form-trials/{form_trial_id}/start", "form_trials.stop": "POST /form-trials/{form_trial_id}/stop",
    "form_trials.take_over": "POST /form-trials/{form_trial_id}/take-over", "form_trials.delete": "DELETE /form-trials/{form_trial_id}",
    "reviews.decide": "POST /reviews/{review_id}/decision", "reviews.many": "POST /reviews/{review_id}/decision", "reviews.answer": "PUT /reviews/{review_id}/answer",
    "reviews.change_settings": "PATCH /reviews/settings", "reviews.fetch": "POST /reviews/fetch",
    "watches.end": "DELETE /watches/{watch_id}", "watches.settings": "PATCH /watches/settings",
    "recommend_trials.redraw": LOOKS + "the form is drawn with one more line, and nothing is kept", "recommend_trials.create": "POST /recommendations/trials", "recommend_trials.change": "PATCH /recommendations/trials/{trial_id}", "recommend_trials.delete": "DELETE /recommendations/trials/{trial_id}",
    "recommend_trials.start": "POST /recommendations/trials/{trial_id}/start", "recommend_trials.pause": "POST /recommendations/trials/{trial_id}/pause",
    "recommend_trials.stop": "POST /recommendations/trials/{trial_id}/stop", "recommend_trials.take_over": "POST /recommendations/trials/{trial_id}/take-over",
    "recommend.rule_create": "POST /recommendations/rules", "recommend.rule_change": "PATCH /recommendations/rules/{rule_id}", "recommend.rule_delete": "DELETE /recommendations/rules/{rule_id}",
    "offer_slots.create": "POST /recommendations/slots", "offer_slots.change": "PATCH /recommendations/slots/{slot_key}", "offer_slots.delete": "DELETE /recommendations/slots/{slot_key}",
    "offer_slots.preview": LOOKS + "a preview is drawn while somebody decides, and nothing is kept; GET /recommendations/slots/{slot_key}/preview tries what is kept",
    "recommend_models.pin": "POST /recommendations/models/{model_id}/pin", "recommend_models.release": "POST /recommendations/models/{model_id}/release",
}  # fmt: skip
WRITING = {"POST", "PUT", "PATCH", "DELETE"}
FOR_PEOPLE = ("person", "member", "staff")


def pages_that_write(app) -> set[str]:
    """The endpoints of the page that change or begin something: what members, persons and staff may post, and signing in.

    The gallery of components is left out: it is there for tests and people who build pages, and keeps nothing.
    """
    found = set()
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("gallery."):
            continue
        for method in rule.methods & WRITING:
            view = app.view_functions[rule.endpoint]
            if doors.entrance_of(view, method).kind in FOR_PEOPLE or view.__module__.startswith("tenant_admin."):
                found.add(rule.endpoint)
    return found


def operations(app) -> dict[str, str]:
    """What a program can do: "POST /customers" with the permission its key needs."""
    found = {}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/"):
            path = re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule.removeprefix("/api/v1"))
            for method in rule.methods & (WRITING | {"GET"}):
                entrance = doors.entrance_of(app.view_functions[rule.endpoint], method)
                found[f"{method} {path}"] = entrance.permission
    return found


def untold(pages: set[str], known: dict[str, str]) -> list[str]:
    """Name what is wrong between the pages, SAME and the API."""
    wrong = [f"{page}: say which operation does it, or why none" for page in sorted(pages - SAME.keys())]
    wrong += [f"{page}: is no page that writes" for page in sorted(SAME.keys() - pages)]
    for page, same in SAME.items():
        if not same.startswith(REASONS):
            wrong += [f"{page}: there is no {operation}" for operation in same.split(", ") if operation not in known]
    return wrong


def test_every_page_that_writes_has_an_operation_or_a_reason(app):
    assert untold(pages_that_write(app), operations(app)) == []


@pytest.mark.parametrize("fault", ["a new page", "an operation that went"])
def test_the_rule_sees_a_planted_fault(app, fault):
    pages, known = pages_that_write(app), operations(app)
    before = untold(pages, known)
    if fault == "a new page":
        pages = pages | {"campaigns.explode"}
    else:
        del known["POST /audit/export"]
    assert len(untold(pages, known)) == len(before) + 1


def test_who_may_at_the_page_may_through_a_key_of_the_same_right(app):
    """The operation asks for the same permission as the page; where it differs, the difference is told here."""
    differs = {
        # the page asks a right for any of its kinds, and the room asks the kind's own; the API's address says the kind
        "inline.save": "fields.read",
        # a person keeps views of their own; a program only those that everybody sees
        "views.create": "views.keep", "views.change": "views.keep", "views.default": "views.keep", "views.delete": "views.keep", "views.move": "views.keep",
        # a draft is made, so the right to write is enough; a scheduled one becomes a draft by the right to send
    }  # fmt: skip
    known, wrong = operations(app), []
    for rule in app.url_map.iter_rules():
        same = SAME.get(rule.endpoint, PROVING)
        if same.startswith(REASONS):
            continue
        entrance = doors.entrance_of(app.view_functions[rule.endpoint], "POST")
        for operation in same.split(", "):
            if known[operation] != entrance.permission and differs.get(rule.endpoint) != entrance.permission:
                wrong.append((rule.endpoint, entrance.permission, operation, known[operation]))
    assert wrong == []


def test_a_key_without_the_right_does_nothing(app):
    """Every operation, asked by a key whose role can do nothing but see operations: 403, before anything is looked at."""
    from tests.companies import found_company
    from tests.doors.test_key_scopes import with_key

    bare = with_key(found_company(app), scopes=["operations.read"])
    filled = strangers.filled_company(app)
    opened = []
    for operation, permission in operations(app).items():
        if permission in (None, "operations.read"):
            continue
        method, _space, path = operation.partition(" ")
        path = re.sub(r"\{([^}]+)\}", lambda found: filled.ids.get(strangers.NAMES.get(found[1], ""), "x"), path)
        answer = bare.api(method, path, json=None if method in ("GET", "DELETE") else {})
        if answer.status_code != 403:
            opened.append((operation, answer.status_code))
    assert opened == []
