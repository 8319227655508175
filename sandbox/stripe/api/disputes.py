"""Disputes: answered with evidence; the words winning_evidence and losing_evidence decide, as in Stripe's test mode."""

from typing import Any

from sandbox.stripe import answers, events, params
from sandbox.stripe.lifecycle import returning
from sandbox.stripe.routes import route
from sandbox.stripe.shapes.returns import EVIDENCE
from sandbox.stripe.world import World


@route("GET", "/disputes/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a dispute."""
    return answers.present(world, world.one("dispute", identifier), given.get("expand") or [])


@route(
    "POST",
    "/disputes/<identifier>",
    takes={
        "evidence": params.shape(dict.fromkeys(EVIDENCE, params.text)),
        "metadata": params.mapping,
        "submit": params.boolean,
    },
)
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will hand in evidence; unless ``submit`` is false the bank then decides."""
    dispute = world.one("dispute", identifier)
    evidence = given.get("evidence") or {}
    with events.changing(world, dispute, "charge.dispute.updated"):
        params.merge_metadata(dispute, given.get("metadata"))
        dispute["evidence"] |= evidence
        dispute["evidence_details"]["has_evidence"] = any(dispute["evidence"].get(name) for name in EVIDENCE)
        if evidence and given.get("submit") is not False:
            dispute["evidence_details"]["submission_count"] += 1
            dispute["evidence_details"]["submission_method"] = "manual"
            dispute["status"] = "warning_under_review" if dispute["status"].startswith("warning") else "under_review"
    verdict = {"winning_evidence": "won", "losing_evidence": "lost"}.get(evidence.get("uncategorized_text") or "")
    if verdict and given.get("submit") is not False:
        returning.settle_dispute(world, dispute=dispute, status=verdict)
    return answers.present(world, dispute, given.get("expand") or [])


@route("POST", "/disputes/<identifier>/close")
def close(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will accept a dispute as lost."""
    dispute = world.one("dispute", identifier)
    returning.settle_dispute(world, dispute=dispute, status="lost")
    return answers.present(world, dispute, given.get("expand") or [])


@route(
    "GET",
    "/disputes",
    paged=True,
    takes={"charge": params.text, "payment_intent": params.text, "created": params.span},
)
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list disputes."""
    found = [
        one
        for one in world.store.find("dispute")
        if all(given.get(name) in (None, one[name]) for name in ("charge", "payment_intent"))
        and answers.within(one["created"], given.get("created"))
    ]
    return answers.page(world, found, given, "/disputes")
