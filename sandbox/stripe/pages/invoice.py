"""An invoice as a page that can be paid, as a PDF, and the receipt of a charge."""

from flask import Response as FlaskResponse
from flask import redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from sandbox.stripe import errors
from sandbox.stripe.lifecycle import collecting, invoicing, methods
from sandbox.stripe.pages import blueprint, gone, pdf, the_world, typed
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

Answer = str | Response | tuple[str, int]


def found(world: World, account: str, identifier: str) -> Document | None:
    """This function will give the invoice when the whole address is right."""
    invoice = world.store.get("invoice", identifier)
    right = invoice and (invoice["hosted_invoice_url"] or "").endswith(f"/i/{account}/{identifier}")
    return invoice if right else None


def draw(
    world: World, invoice: Document, *, form: MultiDict[str, str], wrong: dict[str, str], status: int = 200
) -> Answer:
    """This function will draw an invoice with its way to pay."""
    subscription, customer = invoicing.subscription_of(world, invoice), world.customer_of(invoice)
    intent = invoicing.intent_of(world, invoice)
    waiting = intent if intent and intent["status"] == "requires_action" else None
    page = render_template(
        "invoice.html", invoice=invoice, customer=customer, card=methods.chosen(world, invoice, subscription, customer),
        waiting=waiting, countries=typed.COUNTRIES, form=form, wrong=wrong,
    )  # fmt: skip
    return page, status


@blueprint.get("/i/<account>/<identifier>")
def show_invoice(account: str, identifier: str) -> Answer:
    """This function will show an invoice."""
    world = the_world()
    with world.turn():
        invoice = found(world, account, identifier)
        if invoice is None:
            return gone()
        failed = request.args.get("redirect_status") == "failed"
        wrong = {"": "The card was not confirmed. Try again or use another card."} if failed else {}
        return draw(world, invoice, form=MultiDict(), wrong=wrong)


@blueprint.post("/i/<account>/<identifier>")
def pay_invoice(account: str, identifier: str) -> Answer:
    """This function will pay with the card on file or with a typed one, which is then kept."""
    world = the_world()
    try:
        with world.turn():
            invoice = found(world, account, identifier)
            if invoice is None:
                return gone()
            if invoice["status"] not in ("open", "uncollectible"):
                return redirect(invoice["hosted_invoice_url"], code=303)
            customer, method = world.customer_of(invoice), None
            if request.form.get("with") != "saved":
                method = typed.card(world, request.form, owner=customer, email=customer["email"])
                methods.attach(world, method=method, customer=customer)
                methods.set_default(world, method=method, customer=customer)
            refusal = collecting.attempt(world, invoice, method=method, off_session=False, automatic=False)
            intent = invoicing.intent_of(world, invoice)
            if intent and intent["status"] == "requires_action":
                secret = intent["client_secret"]
                return redirect(f"/challenge/{intent['id']}?client_secret={secret}", code=303)
            if refusal:
                raise refusal
            return redirect(invoice["hosted_invoice_url"], code=303)
    except errors.Refused as problem:
        wrong = typed.blame(problem)
    with world.turn():
        return draw(world, world.one("invoice", identifier), form=request.form, wrong=wrong, status=402)


@blueprint.get("/i/<account>/<identifier>/pdf")
def show_pdf(account: str, identifier: str) -> Answer:
    """This function will give an invoice as a PDF."""
    world = the_world()
    with world.turn():
        invoice = found(world, account, identifier)
        if invoice is None:
            return gone()
        made = pdf.invoice(invoice, business=world.rules.business)
    name = f"Invoice-{invoice['number']}.pdf"
    return FlaskResponse(
        made, mimetype="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'}
    )


@blueprint.get("/receipts/<identifier>")
def show_receipt(identifier: str) -> Answer:
    """This function will show the receipt of a charge."""
    world = the_world()
    with world.turn():
        charge = world.store.get("charge", identifier)
        if charge is None or charge["status"] != "succeeded":
            return gone()
        return render_template("receipt.html", charge=charge)
